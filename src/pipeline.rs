//! The way of the data, from envelope to report.
