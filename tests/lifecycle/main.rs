//! Load, and the life of a gateway under it: overload, deadlines, cancellation, restarts, and what
//! runs out.

mod cancelled;
mod collector;
mod deadlines;
mod descriptors;
mod overload;
mod panics;
mod restart;
