"""Nothing is sent into a private network, whatever an address looks like or a name answers."""

from __future__ import annotations

import socket
import time
from ipaddress import ip_address

import pytest

from evidence.gateways import webhooks
from evidence.gateways.http import HttpTrouble

PRIVATE = (
    "127.0.0.1", "10.0.0.1", "172.16.9.9", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
    "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:a00:1::", "2001:db8::1",
    "2001:0:a00:1::f5ff:fffe", "fec0::1", "2001:470::5efe:a00:1", "2001:470::200:5efe:a00:1",
    "64:ff9b:1::a00:1", "::ffff:0:7f00:1", "::7f00:1", "192.0.0.8", "192.88.99.1", "3fff::1", "5f00::1",
)  # fmt: skip
PUBLIC = (
    "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34",
    "64:ff9b::5db8:d822", "2002:5db8:d822::1",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _as_in_production(settings) -> None:
    settings.TRUETHREAD_WEBHOOKS_TO_LOOPBACK = False


def answering(monkeypatch, *addresses: str) -> list[str]:
    asked: list[str] = []

    def look_up(host, port, **more):
        asked.append(host)
        return [(0, 0, 0, "", (one, port)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def test_private_addresses_are_told_from_public_ones():
    assert [one for one in PRIVATE if webhooks.is_allowed(ip_address(one))] == []
    assert [one for one in PUBLIC if not webhooks.is_allowed(ip_address(one))] == []


@pytest.mark.parametrize("inside", ["10.0.0.1", "169.254.169.254", "::1"])
def test_a_name_that_leads_inside_is_refused_also_beside_a_public_address(monkeypatch, inside):
    answering(monkeypatch, "93.184.216.34", inside)
    with pytest.raises(HttpTrouble, match="address_refused"):
        webhooks.post("https://firm.example/x", "id", b"{}", [webhooks.new_secret()], 0.0)


def test_dns_rebinding_a_name_is_looked_up_once_and_its_judged_address_is_connected_to(monkeypatch):
    asked = answering(monkeypatch, "93.184.216.34")
    connected: list[object] = []

    def connect(address, timeout):
        connected.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(HttpTrouble, match="unreachable"):
        webhooks.post("https://firm.example/x", "id", b"{}", [webhooks.new_secret()], 0.0)
    assert (asked, connected) == (["firm.example"], [("93.184.216.34", 443)])


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://firm.example/", "webhook_url_not_https"),
        ("ftp://firm.example/", "webhook_url_not_https"),
        ("https://10.0.0.1/", "webhook_address_refused"),
        ("https://[::1]/", "webhook_address_refused"),
        ("https://user:secret@firm.example/", "webhook_url_invalid"),
        ("https://firm.example/#x", "webhook_url_invalid"),
        ("https://firm.example/\r\nX: y", "webhook_url_invalid"),
        ("https://firm.example:99999/", "webhook_url_invalid"),
        ("https://фирма.example/", "webhook_url_invalid"),
        ("https:///x", "webhook_url_invalid"),
        ("https://[", "webhook_url_invalid"),
        ("https://firm.example/hook?key=1", None),
    ],
)
def test_an_address_is_judged_as_it_is_written(url, fault):
    assert webhooks.url_fault(url) == fault


@pytest.mark.parametrize("host", ["0x7f000001", "2130706433", "127.1", "localhost"])
def test_other_spellings_of_this_machine_are_refused_when_looked_up(host):
    with pytest.raises(HttpTrouble, match=r"address_refused|unknown_host"):
        webhooks.post(f"https://{host}/", "id", b"{}", [webhooks.new_secret()], 0.0)


def test_a_resolver_that_hangs_costs_no_more_than_the_time_there_is(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: time.sleep(0.5) or [])
    with pytest.raises(HttpTrouble, match="timeout"):
        webhooks.resolved("firm.example", 443, 0.05)


def test_the_signature_is_that_of_the_published_example():
    # Worked example of the Standard Webhooks specification's reference libraries.
    made = webhooks.signature(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
