//! Synthetic citizens and the machinery of simulated agencies.
