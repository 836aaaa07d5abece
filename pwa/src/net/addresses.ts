/** IP addresses as literals. Nothing else may get into a description or a sweep. */

const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/
/** 10/8, 172.16/12, 192.168/16 (RFC 1918), and those of one link or one machine. */
const privateIpv4 = /^(?:10|127|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01]))\./
/** fc00::/7 (RFC 4193), fe80::/10, and the machine itself. */
const privateIpv6 = /^(?:f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:|::1$)/i
/** What browsers say in place of an address that they hide, and what a PC is called in its network. */
const localName = /^(?=.{7,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+local$/i

export function isIpv4(text: string): boolean {
  return ipv4.test(text)
}

/** Without a zone: one that is of another machine means nothing here. */
export function isIpv6(text: string): boolean {
  return /^[0-9a-f:.]{2,45}$/i.test(text) && text.includes(':') && URL.canParse(`http://[${text}]/`)
}

/** A host name under `.local` (RFC 6762). */
export function isLocalName(text: string): boolean {
  return localName.test(text)
}

/** Whether an address means something only in a network of one's own. */
export function isPrivate(address: string): boolean {
  return isIpv4(address) ? privateIpv4.test(address) : isIpv6(address) && privateIpv6.test(address)
}
