/*
 * The interface `job` of a network one hop out (beyond.c) whose other side is no namespace but a program: a virtual machine's. It is
 * made here, by who may, and for the sandbox's own uid: a program that can do no more than open /dev/net/tun then takes it by its name
 * and says each frame itself, byte by byte. What is no frame of the one neighbour that there is to be comes no further than this
 * interface, before any protocol's code sees it:
 *
 *   table netdev glovebox { chain frames { type filter hook ingress device job
 *     ether saddr != JOB drop                                       # its own address, as it was told
 *     ether daddr != ROUTER, and of no group: drop
 *     ip daddr OWN drop; ip6 daddr OWN drop                         # sent back, else, where this host forwards
 *     ether type { ip, ip6 } accept                                 # and neither ARP nor anything behind a tag of a VLAN
 *     drop
 *   } }
 */
#include "network.h"
#include "nftables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { DESTINATION = 0, SOURCE = 6, TYPE = 12 }; /* offsets in a frame */

/* With a header for each frame that says what of it is left to do: checksums, segments. */
static void make(const char *name, int link)
{
    struct ifreq wanted = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    unsigned number = (unsigned)link;
    int made = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (made < 0)
        fail("tap", "/dev/net/tun");
    snprintf(wanted.ifr_name, sizeof wanted.ifr_name, "%s", name);
    if (ioctl(made, TUNSETIFINDEX, &number) < 0 || ioctl(made, TUNSETIFF, &wanted) < 0)
        fail("tap", "interface");
    if (ioctl(made, TUNSETOWNER, (unsigned long)geteuid()) < 0 || ioctl(made, TUNSETPERSIST, 1UL) < 0)
        fail("tap", "owner");
    close(made);
}

static void drop_unless(struct netlink *to, uint32_t offset, const uint8_t *hardware, bool groups_too)
{
    const uint8_t alone = 0;
    struct nft_rule rule = nft_rule(to, "frames", "frame rule");
    if (groups_too) {
        nft_load(to, NFT_PAYLOAD_LL_HEADER, offset, 1);
        nft_mask(to, 0x01);
        nft_compare(to, NFT_CMP_EQ, &alone, sizeof alone);
    }
    nft_load(to, NFT_PAYLOAD_LL_HEADER, offset, ETH_ALEN);
    nft_compare(to, NFT_CMP_NEQ, hardware, ETH_ALEN);
    nft_verdict(to, NF_DROP, NULL);
    nft_rule_end(&rule);
}

static void of_type(struct netlink *to, uint16_t type, uint32_t address_at, const uint8_t *address, uint32_t size, int32_t verdict)
{
    const uint16_t wanted = htons(type);
    struct nft_rule rule = nft_rule(to, "frames", "frame rule");
    nft_bytes_are(to, NFT_PAYLOAD_LL_HEADER, TYPE, &wanted, sizeof wanted);
    if (address != NULL)
        nft_bytes_are(to, NFT_PAYLOAD_NETWORK_HEADER, address_at, address, size);
    nft_verdict(to, verdict, NULL);
    nft_rule_end(&rule);
}

static void watch_frames(const char *name, const uint8_t *own_hardware, const uint8_t *job_hardware)
{
    struct netlink messages;
    struct netlink_answers answers;
    int kernel = netlink_socket(NETLINK_NETFILTER);
    if (kernel < 0)
        fail("network", "nftables");
    netlink_clear(&messages);
    messages.family = NFPROTO_NETDEV;
    nft_border(&messages, NFNL_MSG_BATCH_BEGIN);
    nft_begin(&messages, "nftables for frames", NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
    netlink_put_text(&messages, NFTA_TABLE_NAME, TABLE);
    nft_ingress(&messages, "frames", name);
    drop_unless(&messages, SOURCE, job_hardware, false);
    drop_unless(&messages, DESTINATION, own_hardware, true);
    of_type(&messages, ETH_P_IP, 16, OWN4, sizeof OWN4, NF_DROP);
    of_type(&messages, ETH_P_IPV6, 24, OWN6, sizeof OWN6, NF_DROP);
    of_type(&messages, ETH_P_IP, 0, NULL, 0, NF_ACCEPT);
    of_type(&messages, ETH_P_IPV6, 0, NULL, 0, NF_ACCEPT);
    struct nft_rule rule = nft_rule(&messages, "frames", "last frame rule");
    nft_verdict(&messages, NF_DROP, NULL);
    nft_rule_end(&rule);
    if (!nft_ask(kernel, &messages, &answers))
        fail("network", "nftables for frames");
    for (uint32_t i = 0; i < messages.count; i++)
        if ((errno = answers.errors[i]) != 0)
            fail("network", messages.names[i]);
    if (!answers.done)
        fail("network", "nftables for frames");
    close(kernel);
}

void tap_make(const char *name, int link, const uint8_t *own_hardware, const uint8_t *job_hardware)
{
    struct netlink messages;
    int kernel = netlink_socket(NETLINK_ROUTE);
    if (kernel < 0)
        fail("network", "rtnetlink");
    make(name, link);
    watch_frames(name, own_hardware, job_hardware);
    netlink_clear(&messages);
    routes_alone(&messages, "interface", link, own_hardware);
    netlink_do(kernel, &messages, "tap");
    close(kernel);
}
