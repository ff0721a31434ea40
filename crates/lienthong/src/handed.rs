//! Sockets that a supervisor has opened and keeps, so that nobody is refused while the gateway is
//! replaced: systemd's protocol, `LISTEN_FDS` and `LISTEN_PID`.

use std::io;

use edge::Handed;
use listenfd::ListenFd;

/// Takes all that are handed over. To be called before there are threads: it clears the variables.
pub(crate) fn take() -> io::Result<Handed> {
    let mut handed = ListenFd::from_env();
    let all = (0..handed.len()).filter_map(|place| handed.take_tcp_listener(place).transpose());
    Handed::new(all.collect::<io::Result<_>>()?)
}
