//! The adapter against the simulated register.
