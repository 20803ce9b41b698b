//! What goes wrong on the way, in rows: a fault of the provider server, run through the binary, and
//! exactly what must come of it. Either the right bytes and nothing else, or the right error, no new
//! file, and the old one untouched.

mod answers;
mod lists;
mod media;
mod row;
mod ways;
