"""Making and refreshing allocations: what a client may ask for, and what it gets instead."""

from protocol import stun
from protocol.stun import IPV4, IPV6, Address, Message
from turn.allocations import Allocation, Allocations, Client, Relayed, User
from turn.buckets import Bucket
from turn.credentials import Credentials
from turn.errors import Refused, problem
from turn.limits import Limits

LIFE_S = 600
MOST_LIFE_S = 3600
"""Default and longest lifetime of an allocation (RFC 8656, section 7.2)."""

_UDP = 17
_RESERVE_NEXT = 0x80
"""The R bit of EVEN-PORT (section 18.7)."""


class Allocator:
    """Decides on Allocate and Refresh requests that are authenticated already."""

    def __init__(self, allocations: Allocations, limits: Limits) -> None:
        self.is_open = True
        self._allocations = allocations
        self._limits = limits

    def allocate(
        self, client: Client, message: Message, who: Credentials, now: float
    ) -> Allocation:
        """Make an allocation (section 7.2, steps 3 to 11).

        Raises:
            Refused: 400, 440, 442, 486 or 508, as the section says.
        """
        self._check_request(message)
        families = self._families(message)
        user = self._user(who.user, now)
        addresses, token = self._addresses(message, families, who.user, now)
        ends = now + _life(message)
        allocation = Allocation(
            client=client,
            credentials=who,
            user=user,
            transaction_id=message.transaction_id,
            relayed={f: Relayed(address, ends) for f, address in addresses.items()},
            wants_both=message.has(stun.ADDITIONAL_ADDRESS_FAMILY),
            token=token,
        )
        self._allocations.add(allocation)
        return allocation

    def describe(self, allocation: Allocation, now: float) -> list[stun.Attribute]:
        """Give the attributes of a success (section 7.2), again where the request comes again."""
        relayed = list(allocation.relayed.values())
        attributes = [stun.XOR_RELAYED_ADDRESS.of(each.address) for each in relayed]
        if allocation.wants_both and IPV6 not in allocation.relayed:
            failed = stun.FamilyProblem(IPV6, *problem(440))
            attributes.append(stun.ADDRESS_ERROR_CODE.of(failed))
        attributes.append(stun.LIFETIME.of(round(min(each.ends for each in relayed) - now)))
        if allocation.token is not None:
            attributes.append(stun.RESERVATION_TOKEN.of(allocation.token))
        return [*attributes, stun.XOR_MAPPED_ADDRESS.of(allocation.client.address)]

    def refresh(self, allocation: Allocation, message: Message, now: float) -> int:
        """Prolong relayed addresses, or end them where a lifetime of 0 is asked for (section 8.2).

        Returns the lifetime in seconds. Raises `Refused` 443 for a family that there is none of.
        """
        family = message.get(stun.REQUESTED_ADDRESS_FAMILY)
        if family is not None and family not in allocation.relayed:
            raise Refused(443)
        families = list(allocation.relayed) if family is None else [family]
        life = 0 if message.get(stun.LIFETIME) == 0 else _life(message)
        for each in families:
            if life:
                allocation.relayed[each].ends = now + life
            else:
                self._allocations.remove_family(allocation, each)
        return life

    def _check_request(self, message: Message) -> None:
        transport = message.get(stun.REQUESTED_TRANSPORT)
        if transport is None:
            raise Refused(400)
        if transport != _UDP:
            raise Refused(442)
        even = message.get(stun.EVEN_PORT)
        requested = message.has(stun.REQUESTED_ADDRESS_FAMILY)
        additional = message.has(stun.ADDITIONAL_ADDRESS_FAMILY)
        if message.has(stun.RESERVATION_TOKEN) and (even is not None or requested or additional):
            raise Refused(400)
        if additional and (requested or (even is not None and even & _RESERVE_NEXT)):
            raise Refused(400)
        if additional and message.get(stun.ADDITIONAL_ADDRESS_FAMILY) != IPV6:
            raise Refused(400)

    def _families(self, message: Message) -> list[int]:
        hosts = self._allocations.hosts
        requested = message.get(stun.REQUESTED_ADDRESS_FAMILY)
        first = IPV4 if requested is None else requested
        if first not in hosts:
            raise Refused(440)
        if message.has(stun.ADDITIONAL_ADDRESS_FAMILY) and IPV6 in hosts:
            return [first, IPV6]
        return [first]

    def _user(self, name: str, now: float) -> User:
        allocations, limits = self._allocations, self._limits
        if not self.is_open or len(allocations.of) >= limits.allocations:
            raise Refused(508)
        user = allocations.users.get(name)
        if user is None:
            user = User(Bucket(limits.bytes_per_s_and_user, now))
            allocations.users[name] = user
        if user.allocations >= limits.allocations_per_user:
            raise Refused(486)
        return user

    def _addresses(
        self, message: Message, families: list[int], user: str, now: float
    ) -> tuple[dict[int, Address], bytes | None]:
        token = message.get(stun.RESERVATION_TOKEN)
        if token is not None:
            kept = self._allocations.redeem(token, user, now)
            if kept is None:
                raise Refused(508)
            return {IPV6 if ":" in kept[0] else IPV4: kept}, None
        even = message.get(stun.EVEN_PORT)
        pair = even is not None and bool(even & _RESERVE_NEXT)
        if pair and len(self._allocations.reservations) >= self._limits.allocations:
            raise Refused(508)
        addresses = {}
        for family in families:
            address = self._allocations.free_address(family, even=even is not None, pair=pair)
            if address is None:
                raise Refused(508)
            addresses[family] = address
        if not pair:
            return addresses, None
        host, port = addresses[families[0]]
        return addresses, self._allocations.reserve((host, port + 1), user, now)


def _life(message: Message) -> int:
    """Give the lifetime for what was asked: never below the default, never above the longest."""
    return min(max(message.get(stun.LIFETIME) or LIFE_S, LIFE_S), MOST_LIFE_S)
