from kapi.authn.cache import TokenCache
from kapi.contracts.authn import AuthnResponse, UserInfo

ALICE = AuthnResponse(UserInfo("alice"))


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_success_is_remembered_for_its_time_only() -> None:
    clock = Clock()
    cache = TokenCache(ttl=10, clock=clock)
    key = cache.key("t", ())
    cache.put(key, ALICE)
    clock.now += 9.9
    assert cache.get(key) is ALICE
    clock.now += 0.2
    assert cache.get(key) is None


def test_audiences_are_part_of_the_key() -> None:
    cache = TokenCache()
    cache.put(cache.key("t", ("a",)), ALICE)
    assert cache.get(cache.key("t", ("b",))) is None
    assert cache.get(cache.key("t", ("a",))) is ALICE


def test_the_oldest_is_forgotten_when_there_are_too_many() -> None:
    cache = TokenCache(size=2)
    keys = [cache.key(token, ()) for token in ("a", "b", "c")]
    for key in keys:
        cache.put(key, ALICE)
    assert [cache.get(key) for key in keys] == [None, ALICE, ALICE]


def test_keys_say_nothing_about_tokens_and_differ_from_process_to_process() -> None:
    digest, _ = TokenCache().key("secret-token", ())
    assert b"secret" not in digest
    assert digest != TokenCache().key("secret-token", ())[0]


def test_no_ttl_remembers_nothing() -> None:
    cache = TokenCache(ttl=0)
    cache.put(cache.key("t", ()), ALICE)
    assert cache.get(cache.key("t", ())) is None
