//! May they: agreements, purposes, fields, quotas.
