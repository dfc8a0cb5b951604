import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Whether an IP address is one of the open internet: the only ones that a URL which we did not
 * choose may lead to. What is not known to be public is refused, so every special range is
 * (IANA's registries for IPv4 and IPv6): private, loopback, link-local with the clouds' metadata
 * services, carrier-grade NAT, multicast, documentation, reserved, and the IPv6 forms that carry an
 * IPv4 address inside (mapped, compatible, NAT64, 6to4, Teredo). False for anything that is no
 * address.
 */
export function isPublicAddress(text: string): boolean {
  if (isIP(text) === 0) {
    return false;
  }
  const address = ipaddr.parse(text);
  if (address.kind() === 'ipv4') {
    return address.range() === 'unicast' && !METADATA_ADDRESSES.has(address.toString());
  }
  // All of IPv6 that anybody was ever given lies in 2000::/3; ipaddr.js calls the rest unicast too.
  return address.range() === 'unicast' && GLOBAL_UNICAST.test(address.toNormalizedString());
}

/** Azure's, which answers instance metadata from what looks like a public address. */
const METADATA_ADDRESSES: ReadonlySet<string> = new Set(['168.63.129.16']);

const GLOBAL_UNICAST = /^[23][0-9a-f]{3}:/;
