// Sockets: families that are not carried, and connections that leave the tree or are half made.
#include "odd.h"

#include <arpa/inet.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static uint16_t port;
static struct sockaddr_un path = {AF_UNIX, "/run/odd.sock"};

static struct sockaddr_in loopback(void) { return (struct sockaddr_in){AF_INET, port, {htonl(INADDR_LOOPBACK)}, {0}}; }

static void lo_up(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int any = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    MUST(ioctl(any, SIOCSIFFLAGS, &request));
    close(any);
}

static int tcp_listener(void)
{
    port = 0;
    struct sockaddr_in at = loopback();
    socklen_t length = sizeof at;
    int listener = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    lo_up();
    MUST(bind(listener, (struct sockaddr *)&at, sizeof at));
    MUST(listen(listener, 4));
    MUST(getsockname(listener, (struct sockaddr *)&at, &length));
    port = at.sin_port;
    return listener;
}

static void connect_tcp(void)
{
    struct sockaddr_in at = loopback();
    MUST(connect((int)MUST(socket(AF_INET, SOCK_STREAM, 0)), (struct sockaddr *)&at, sizeof at));
}

// The peer is in the same VM, and not in the tree.
static void tcp_to_outside(void)
{
    int listener = tcp_listener();
    outside(connect_tcp);
    MUST(accept(listener, NULL, NULL));
}

static void tcp_unaccepted(void)
{
    tcp_listener();
    connect_tcp();
}

static void connect_unix(void) { MUST(connect((int)MUST(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&path, sizeof path)); }

static int unix_listener(void)
{
    int listener = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    unlink(path.sun_path);
    MUST(bind(listener, (struct sockaddr *)&path, sizeof path));
    MUST(listen(listener, 4));
    return listener;
}

static void unix_to_outside(void)
{
    int listener = unix_listener();
    outside(connect_unix);
    MUST(accept(listener, NULL, NULL));
}

static void unix_unaccepted(void)
{
    unix_listener();
    connect_unix();
}

static void file_in_flight(void)
{
    int pair[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    char byte = 'x', control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    *rights = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(rights), &pair[0], sizeof(int));
    MUST(sendmsg(pair[0], &message, 0));
}

static void urgent_byte(void)
{
    int pair[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    MUST(send(pair[0], "!", 1, MSG_OOB));
}

static void unread_datagram(void)
{
    port = 0;
    struct sockaddr_in at = loopback();
    socklen_t length = sizeof at;
    int receiver = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    lo_up();
    MUST(bind(receiver, (struct sockaddr *)&at, sizeof at));
    MUST(getsockname(receiver, (struct sockaddr *)&at, &length));
    MUST(sendto(receiver, "unread", 6, 0, (struct sockaddr *)&at, sizeof at));
}

static void multicast_member(void)
{
    struct ip_mreqn group = {{htonl(0xe0000101)}, {htonl(INADDR_LOOPBACK)}, 0};
    lo_up();
    MUST(setsockopt((int)MUST(socket(AF_INET, SOCK_DGRAM, 0)), IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group));
}

static void packet_socket(void) { MUST(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL))); }
static void netlink_socket(void) { MUST(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)); }
static void raw_socket(void) { MUST(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)); }
static void multipath_socket(void) { MUST(socket(AF_INET, SOCK_STREAM, 262)); } // IPPROTO_MPTCP

const struct oddity socket_oddities[] = {
    {"tcp_to_outside", tcp_to_outside, NULL},
    {"tcp_unaccepted", tcp_unaccepted, NULL},
    {"unix_to_outside", unix_to_outside, NULL},
    {"unix_unaccepted", unix_unaccepted, NULL},
    {"file_in_flight", file_in_flight, NULL},
    {"urgent_byte", urgent_byte, NULL},
    {"unread_datagram", unread_datagram, NULL},
    {"multicast_member", multicast_member, NULL},
    {"packet_socket", packet_socket, NULL},
    {"netlink_socket", netlink_socket, NULL},
    {"raw_socket", raw_socket, NULL},
    {"multipath_socket", multipath_socket, NULL},
    {0},
};
