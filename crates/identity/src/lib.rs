//! Who is calling: client certificate to caller, and the development CA.
