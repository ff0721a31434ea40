//! Ports for servers that open them by themselves, a moment later.

use std::net::{Ipv4Addr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// A port on loopback at which nobody listens.
///
/// None of those that the kernel gives to whoever connects: it would give it away before the server
/// has it. Processes that look for ports at the same time begin at different places.
pub fn free_port() -> u16 {
    static LOOKED: AtomicU32 = AtomicU32::new(0);
    loop {
        let looked = LOOKED.fetch_add(1, Ordering::Relaxed);
        assert!(looked < COUNT, "every port is taken");
        let place = process::id().wrapping_mul(STRIDE).wrapping_add(looked) % COUNT;
        let port = FIRST + u16::try_from(place).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// The same with the address.
pub fn free_address() -> String {
    format!("127.0.0.1:{}", free_port())
}

/// Below the ports of connections, which begin at 32,768.
const FIRST: u16 = 10_240;
const COUNT: u32 = 22_000;
/// What lies between the beginnings of two processes of which one follows the other.
const STRIDE: u32 = 211;
