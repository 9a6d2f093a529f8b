//! What holds of sockets, real and simulated: the same assertions.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use aio_net::{TcpListener, TcpStream, UdpSocket};
use aio_test::net::{Host, Net};
use aio_timer::sleep;

pub(crate) mod tcp;
pub(crate) mod tcp_ends;
pub(crate) mod udp;

/// Where a test takes place.
pub(crate) struct World {
    /// A server and a client; or both are on this host.
    pub(crate) hosts: Option<(Host, Host)>,
    /// What is sent arrives well within that time.
    pub(crate) settling: Duration,
    /// The system, if there is none.
    pub(crate) net: Option<Net>,
}

impl World {
    /// Until all has arrived that was sent.
    pub(crate) async fn settle(&self) {
        sleep(self.settling).await;
    }

    fn server_ip(&self) -> IpAddr {
        self.hosts.as_ref().map_or(Ipv4Addr::LOCALHOST.into(), |(server, _)| server.ip())
    }

    fn at_server<R>(&self, f: impl FnOnce() -> R) -> R {
        match &self.hosts {
            Some((server, _)) => server.enter(f),
            None => f(),
        }
    }

    fn at_client<R>(&self, f: impl FnOnce() -> R) -> R {
        match &self.hosts {
            Some((_, client)) => client.enter(f),
            None => f(),
        }
    }

    pub(crate) fn listener(&self) -> (TcpListener, SocketAddr) {
        let listener = self.at_server(|| TcpListener::bind(SocketAddr::new(self.server_ip(), 0)).unwrap());
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    pub(crate) async fn connect(&self, address: SocketAddr) -> std::io::Result<TcpStream> {
        match &self.hosts {
            Some((_, client)) => client.run(TcpStream::connect(address)).await,
            None => TcpStream::connect(address).await,
        }
    }

    /// From the server's host itself.
    pub(crate) async fn connect_within(&self, address: SocketAddr) -> std::io::Result<TcpStream> {
        match &self.hosts {
            Some((server, _)) => server.run(TcpStream::connect(address)).await,
            None => TcpStream::connect(address).await,
        }
    }

    /// A client and what was accepted.
    pub(crate) async fn pair(&self) -> (TcpStream, TcpStream) {
        let (listener, address) = self.listener();
        let client = self.connect(address).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        (client, server)
    }

    pub(crate) fn udp_server(&self) -> (UdpSocket, SocketAddr) {
        let socket = self.at_server(|| UdpSocket::bind(SocketAddr::new(self.server_ip(), 0)).unwrap());
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    pub(crate) fn udp_client(&self) -> UdpSocket {
        let any: SocketAddr = if self.hosts.is_some() { "0.0.0.0:0" } else { "127.0.0.1:0" }.parse().unwrap();
        self.at_client(|| UdpSocket::bind(any).unwrap())
    }

    /// Whether every datagram arrives.
    pub(crate) fn is_reliable(&self) -> bool {
        self.net.is_none() || self.hosts.is_none()
    }
}

/// Each of them as a test of its own.
macro_rules! contract {
    ($run:ident) => {
        contract!($run, tcp:
            a_half_closed_connection_still_answers,
            an_end_comes_after_all_that_was_written,
            addresses_match,
            a_port_is_taken_as_long_as_somebody_listens,
            where_nobody_listens_is_refused,
            what_was_peeked_at_stays,
            halves_go_apart_and_together_again,
            a_dropped_write_half_is_an_end,
            several_pieces_are_written_and_read_at_once,
            who_writes_waits_until_somebody_reads,
            cancelled_accepts_lose_no_connection,
            a_client_that_is_gone_is_still_accepted,
            readiness_is_told,
            a_buffer_without_room_reads_nothing,
            mapped_addresses_stay_mapped,
            all_addresses_are_this_host,
            a_server_drains,
            options_are_kept
        );
        contract!($run, tcp_ends:
            dropping_it_with_something_unread_resets,
            what_came_before_a_reset_can_be_read,
            writing_to_one_that_has_gone_is_a_broken_pipe,
            zero_linger_resets,
            connections_that_nobody_accepts_are_reset,
            both_directions_can_be_shut,
            what_comes_when_both_directions_are_shut_resets,
            a_reset_connection_has_no_peer,
            an_ended_connection_has_no_peer,
            a_write_that_waits_is_told_of_a_reset,
            a_read_that_waits_is_told_of_a_reset,
            an_end_is_no_error_after_a_reset
        );
        contract!($run, udp:
            a_datagram_arrives_and_tells_who_sent_it,
            what_does_not_fit_is_cut_off,
            an_empty_datagram_is_a_datagram,
            who_is_connected_hears_of_nobody_else,
            that_nobody_is_there_is_told_once,
            errors_of_sending,
            an_address_is_taken_once,
            datagrams_to_all_addresses_come_to_this_host,
            an_address_of_one_family_does_not_reach_the_other,
            what_does_not_wait_is_tried
        );
    };
    ($run:ident, $module:ident: $($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                $run(async |world| contract::$module::$name(world).await);
            }
        )*
    };
}
