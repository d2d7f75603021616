import logging

import pytest

from kapi.authz.union import AuthorizerUnion, build_authorizer
from kapi.contracts.authn import UserInfo
from kapi.contracts.authz import Attributes, AuthorizerPlugin, Decision, Verdict
from kapi.contracts.plugins import BuildContext, Options
from kapi_authz.always_allow import AlwaysAllow
from kapi_authz.always_deny import AlwaysDeny

ALICE = UserInfo("alice")
ASKED = Attributes(ALICE, "get", True, resource="pods")


class Says:
    def __init__(self, answer: Decision | Exception) -> None:
        self.answer = answer

    async def authorize(self, attributes: Attributes) -> Decision:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


DENY = Says(Decision(Verdict.DENY, "never"))
UNDECIDED = Says(Decision(Verdict.NO_OPINION, "who knows"))
SILENT = Says(Decision(Verdict.NO_OPINION))
BROKEN = Says(RuntimeError("down"))


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([UNDECIDED, AlwaysAllow()], Decision(Verdict.ALLOW)),
        ([DENY, AlwaysAllow()], Decision(Verdict.DENY, "never")),
        ([AlwaysAllow(), DENY], Decision(Verdict.ALLOW)),
        ([UNDECIDED, SILENT, AlwaysDeny()], Decision(Verdict.NO_OPINION, "who knows\nEverything is forbidden.")),
        ([BROKEN], Decision(Verdict.NO_OPINION)),
        ([BROKEN, AlwaysAllow()], Decision(Verdict.ALLOW)),
        ([], Decision(Verdict.NO_OPINION)),
    ],
)
async def test_the_first_that_decides_decides(members: list[Says], expected: Decision) -> None:
    union = AuthorizerUnion([(str(index), member) for index, member in enumerate(members)])
    assert await union.authorize(ASKED) == expected


async def test_a_failure_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    await AuthorizerUnion([("Webhook", BROKEN)]).authorize(ASKED)
    assert "Webhook" in caplog.text


async def test_masters_may_do_everything() -> None:
    admin = UserInfo("admin", groups=("system:masters", "system:authenticated"))
    assert await AuthorizerUnion([("d", DENY)]).authorize(ASKED._replace(user=admin)) == Decision(Verdict.ALLOW)
    named_so = UserInfo("system:masters")
    assert (await AuthorizerUnion([]).authorize(ASKED._replace(user=named_so))).verdict is Verdict.NO_OPINION


async def test_rules_of_all_members_are_joined_and_marked_when_one_cannot_list_its_own() -> None:
    rules = await AuthorizerUnion([("a", AlwaysAllow()), ("b", AlwaysDeny())]).rules_for(ALICE, "ns")
    assert (len(rules.resource_rules), len(rules.non_resource_rules), rules.incomplete) == (1, 1, False)
    partial = await AuthorizerUnion([("a", AlwaysAllow()), ("Webhook", SILENT)]).rules_for(ALICE, "ns")
    assert partial.incomplete
    assert "Webhook" in partial.error


async def test_modes_are_asked_in_the_order_of_the_flag() -> None:
    plugins = [
        AuthorizerPlugin("AlwaysAllow", "", lambda context: AlwaysAllow()),
        AuthorizerPlugin("Deny", "", lambda context: DENY),
        AuthorizerPlugin("Unused", "", lambda context: BROKEN),
    ]
    for modes, verdict in ((("Deny", "AlwaysAllow"), Verdict.DENY), (("AlwaysAllow", "Deny"), Verdict.ALLOW)):
        options = Options({"authorization-mode": modes})
        union = build_authorizer(plugins, BuildContext(options, data_dir=None))  # type: ignore[arg-type]  # unused
        assert (await union.authorize(ASKED)).verdict is verdict
