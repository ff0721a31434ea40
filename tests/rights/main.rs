//! Who may ask what, how often, and nobody else: agreements, quotas, scraping, verification, switches and
//! break-glass, against the running program.
//!
//! Each test names the rows of the fault matrix that it covers.

mod quotas;
mod scraping;
