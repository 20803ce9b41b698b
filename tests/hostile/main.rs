//! What unreel does when everything around it is against it: inputs without measure, kills and
//! full disks, leaks.

#[path = "../common/mod.rs"]
mod common;

mod behaviour;
mod canary;
mod faults;
mod limits;
mod memory;
