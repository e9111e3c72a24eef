// Sockets without a peer outside the container: listening, unconnected, pairs with queued data.
#include "kinds.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { QUEUED = 3000 };

static int listener, listener_v6, bound, unbound, datagram, datagram_unbound;
static int stream[2], messages[2], packets[2], shut[2], unix_listener, abstract_listener, unix_datagram;

static int option_of(int socket, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    getsockopt(socket, SOL_SOCKET, name, &value, &length);
    return value;
}

static void describe_socket(int socket)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    char name[INET6_ADDRSTRLEN] = "";
    unsigned port = 0;
    getsockname(socket, (struct sockaddr *)&address, &length);
    if (address.ss_family == AF_INET) {
        struct sockaddr_in *internet = (struct sockaddr_in *)&address;
        inet_ntop(AF_INET, &internet->sin_addr, name, sizeof name);
        port = ntohs(internet->sin_port);
    } else if (address.ss_family == AF_INET6) {
        struct sockaddr_in6 *internet = (struct sockaddr_in6 *)&address;
        inet_ntop(AF_INET6, &internet->sin6_addr, name, sizeof name);
        port = ntohs(internet->sin6_port);
    }
    describe("domain %d type %d protocol %d address %s port %u\n", option_of(socket, SO_DOMAIN),
             option_of(socket, SO_TYPE), option_of(socket, SO_PROTOCOL), name, port);
    describe("listening %d reuse %d send buffer %d receive buffer %d priority %d\n",
             option_of(socket, SO_ACCEPTCONN), option_of(socket, SO_REUSEADDR), option_of(socket, SO_SNDBUF),
             option_of(socket, SO_RCVBUF), option_of(socket, SO_PRIORITY));
}

static int bound_socket(int domain, int type, uint16_t port)
{
    struct sockaddr_in v4 = {AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {0}};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_any};
    int made = (int)MUST(socket(domain, type, 0)), yes = 1;
    MUST(setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes));
    if (domain == AF_INET6) {
        MUST(setsockopt(made, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes));
        MUST(bind(made, (struct sockaddr *)&v6, sizeof v6));
    } else {
        MUST(bind(made, (struct sockaddr *)&v4, sizeof v4));
    }
    return made;
}

static void set_up_listener(void)
{
    int buffer = 50000;
    listener = bound_socket(AF_INET, SOCK_STREAM, 7001);
    MUST(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer));
    MUST(listen(listener, 16));
}

static void set_up_listener_v6(void)
{
    listener_v6 = bound_socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 7002);
    MUST(listen(listener_v6, 5));
}

static void set_up_unconnected(void)
{
    bound = bound_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 7003);
    unbound = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    datagram = bound_socket(AF_INET, SOCK_DGRAM, 7004);
    datagram_unbound = (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static void describe_listener(void) { describe_socket(listener); }

static void describe_listener_v6(void)
{
    int only = 0;
    socklen_t length = sizeof only;
    describe_socket(listener_v6);
    getsockopt(listener_v6, IPPROTO_IPV6, IPV6_V6ONLY, &only, &length);
    describe("v6 only %d\n", only);
}

static void describe_tcp_unconnected(void)
{
    describe_socket(bound);
    describe_socket(unbound);
}

static void describe_udp_unconnected(void)
{
    describe_socket(datagram);
    describe_socket(datagram_unbound);
}

static void set_up_stream(void)
{
    static unsigned char data[QUEUED];
    fill(data, QUEUED, 40);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, stream));
    MUST(write(stream[0], data, QUEUED) == QUEUED ? 0 : -1);
    MUST(write(stream[1], "to the left", 11));
}

static void check_stream(void)
{
    static unsigned char data[2 * QUEUED];
    ssize_t got = recv(stream[1], data, sizeof data, MSG_PEEK | MSG_DONTWAIT);
    EXPECT(got == QUEUED, "%zd bytes are queued to the right", got);
    EXPECT(difference(data, QUEUED, 40) < 0, "data differ at %ld", difference(data, QUEUED, 40));
    got = recv(stream[0], data, sizeof data, MSG_PEEK | MSG_DONTWAIT);
    EXPECT(got == 11 && !memcmp(data, "to the left", 11), "%zd other bytes are queued to the left", got);
}

static const char *const queued[] = {"one", "the second message", "3"};

static void set_up_messages(int type, int pair[2])
{
    MUST(socketpair(AF_UNIX, type, 0, pair));
    for (size_t i = 0; i < 3; i++)
        MUST(send(pair[0], queued[i], strlen(queued[i]), 0));
}

// Takes each message, with its bounds, and queues it again.
static void check_messages(int pair[2])
{
    char message[3][64] = {0};
    for (size_t i = 0; i < 3; i++) {
        ssize_t got = recv(pair[1], message[i], sizeof *message - 1, MSG_DONTWAIT);
        if (got > 0)
            send(pair[0], message[i], (size_t)got, MSG_DONTWAIT);
    }
    for (size_t i = 0; i < 3; i++)
        EXPECT(!strcmp(message[i], queued[i]), "message %zu is \"%s\"", i, message[i]);
}

static void set_up_datagrams(void) { set_up_messages(SOCK_DGRAM, messages); }
static void check_datagrams(void) { check_messages(messages); }
static void set_up_packets(void) { set_up_messages(SOCK_SEQPACKET, packets); }
static void check_packets(void) { check_messages(packets); }

static void set_up_shut(void)
{
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, shut));
    MUST(write(shut[0], "last words", 10));
    MUST(shutdown(shut[0], SHUT_WR));
}

static void check_shut(void)
{
    char data[32];
    struct pollfd hung = {shut[1], POLLRDHUP, 0};
    ssize_t got = recv(shut[1], data, sizeof data, MSG_PEEK | MSG_DONTWAIT);
    EXPECT(got == 10 && !memcmp(data, "last words", 10), "%zd other bytes are queued", got);
    EXPECT(poll(&hung, 1, 0) == 1 && hung.revents == POLLRDHUP, "the peer's shutdown is not seen");
    EXPECT(write(shut[0], "x", 1) < 0 && errno == EPIPE, "the end that was shut down can be written");
}

static struct sockaddr_un unix_address(const char *path, socklen_t *length)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t name = strlen(path);
    memcpy(address.sun_path, path, name);
    if (path[0] == '@')
        address.sun_path[0] = 0;
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name + (path[0] != '@'));
    return address;
}

static int bound_unix(const char *path, int type)
{
    socklen_t length;
    struct sockaddr_un address = unix_address(path, &length);
    int made = (int)MUST(socket(AF_UNIX, type, 0));
    unlink(path);
    MUST(bind(made, (struct sockaddr *)&address, length));
    return made;
}

static void set_up_unix_listener(void)
{
    unix_listener = bound_unix("/run/kinds.listener", SOCK_STREAM);
    MUST(listen(unix_listener, 7));
    abstract_listener = bound_unix("@kinds", SOCK_STREAM | SOCK_CLOEXEC);
    MUST(listen(abstract_listener, 7));
}

static void check_listener_at(const char *path, int of)
{
    socklen_t length;
    struct sockaddr_un address = unix_address(path, &length);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int result = connect(client, (struct sockaddr *)&address, length), error = errno;
    int accepted = result ? -1 : accept4(of, NULL, NULL, SOCK_CLOEXEC);
    close(accepted);
    close(client);
    EXPECT(!result, "connecting to %s: %s", path, strerror(error));
    EXPECT(accepted >= 0, "accepting at %s", path);
}

static void check_unix_listener(void)
{
    check_listener_at("/run/kinds.listener", unix_listener);
    check_listener_at("@kinds", abstract_listener);
}

static void set_up_unix_datagram(void) { unix_datagram = bound_unix("/run/kinds.datagram", SOCK_DGRAM); }

static void check_unix_datagram(void)
{
    char data[8] = "";
    socklen_t length;
    struct sockaddr_un address = unix_address("/run/kinds.datagram", &length);
    int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ssize_t sent = sendto(sender, "hello", 5, MSG_DONTWAIT, (struct sockaddr *)&address, length);
    close(sender);
    EXPECT(sent == 5, "nothing can be sent to it: %s", strerror(errno));
    EXPECT(recv(unix_datagram, data, sizeof data, MSG_DONTWAIT) == 5 && !memcmp(data, "hello", 5), "it receives nothing");
}

const struct kind socket_kinds[] = {
    {"tcp_listener", set_up_listener, NULL, describe_listener},
    {"tcp_listener_v6", set_up_listener_v6, NULL, describe_listener_v6},
    {"tcp_unconnected", set_up_unconnected, NULL, describe_tcp_unconnected},
    {"udp_unconnected", NULL, NULL, describe_udp_unconnected},
    {"unix_pair", set_up_stream, check_stream, NULL},
    {"unix_datagram_pair", set_up_datagrams, check_datagrams, NULL},
    {"unix_packet_pair", set_up_packets, check_packets, NULL},
    {"unix_shutdown", set_up_shut, check_shut, NULL},
    {"unix_listener", set_up_unix_listener, check_unix_listener, NULL},
    {"unix_datagram", set_up_unix_datagram, check_unix_datagram, NULL},
    {0},
};
