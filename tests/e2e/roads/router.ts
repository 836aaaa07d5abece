/** What stands between a home and the internet, as rules of nftables. */

/**
 * How a router gives out ports: `cone` keeps the port for whichever peer, so that two such can
 * find each other; `symmetric` takes another port for each peer.
 */
export type NatKind = 'cone' | 'symmetric'

/** What a network lets out. */
export type Passing = 'everything' | 'no udp' | 'only tcp 443'

const masquerade: Record<NatKind, string> = {
  cone: 'masquerade',
  symmetric: 'masquerade random,fully-random',
}

const filter: Record<Passing, string> = {
  everything: '',
  'no udp': 'oifname "wan" meta l4proto udp drop;',
  'only tcp 443': 'oifname "wan" meta l4proto != tcp drop; oifname "wan" tcp dport != 443 drop;',
}

/**
 * The rules of a router between `wan` and `lan`. IPv4 is translated, IPv6 is not; nobody comes in who
 * was not asked for. What comes unasked is dropped rather than refused, or the router would keep in
 * mind that it was the one spoken to, and give the port to nobody else.
 */
export function routerRules(nat: NatKind, passing: Passing): string {
  return `
    chain translate {
      type nat hook postrouting priority srcnat;
      oifname "wan" meta nfproto ipv4 ${masquerade[nat]};
    }
    chain input { type filter hook input priority 0; iifname "wan" ct state new drop; }
    chain forward {
      type filter hook forward priority 0;
      iifname "wan" ct state new drop;
      ${filter[passing]}
    }`
}
