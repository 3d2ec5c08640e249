"""Requests to addresses that people enter: nothing of ours is reached by them, and nobody waits for long."""

import itertools
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hub import outgoing
from hub.outgoing import BadAddress, Inside, Limits, TooSlow, Unreached
from tests.hub.hooks.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
def allowed(receiver: Receiver, settings: Any) -> Receiver:
    settings.OUTGOING_HOSTS = [receiver.host]
    return receiver


def leads_to(*addresses: str) -> Callable[[str, int], list[str]]:
    """What looks a name up, and finds one of these after the other, the last one for ever."""
    answers = itertools.chain(addresses, itertools.repeat(addresses[-1]))
    return lambda host, port: [next(answers)]


INSIDE = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.192"),
    *("100.100.100.200", "168.63.129.16", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "198.18.0.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1"),
    *("2002:7f00:1::1", "2002:a9fe:a9fe::", "2001:0:7f00:1::1", "2001:0:808:808::80ff:fffe"),
]


class TestWhereItMayLead:
    @pytest.mark.parametrize("address", INSIDE)
    def test_no_address_inside_is_reached_however_it_is_written(self, address: str) -> None:
        assert not outgoing.is_outside(address)
        with pytest.raises(Inside, match="OUTGOING_HOSTS"):
            outgoing.send("GET", "http://receiver.example/", resolve=leads_to(address))

    @pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
    def test_the_internet_is_outside(self, address: str) -> None:
        assert outgoing.is_outside(address)

    @pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0"])
    def test_a_server_of_this_machine_is_reached_under_no_name(self, receiver: Receiver, host: str) -> None:
        with pytest.raises(Inside):
            outgoing.send("GET", f"http://{host}:{receiver.port}/")
        assert receiver.got == []

    def test_an_own_address_is_inside_also_where_it_is_a_public_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(outgoing, "_is_ours", lambda address: address == "1.1.1.1")
        assert not outgoing.is_outside("1.1.1.1") and outgoing.is_outside("1.0.0.1")

    def test_it_knows_the_own_address(self) -> None:
        assert outgoing._is_ours("127.0.0.1") and not outgoing._is_ours("203.0.113.9")

    def test_one_address_inside_is_one_too_many(self) -> None:
        with pytest.raises(Inside):
            outgoing.send("GET", "http://receiver.example/", resolve=lambda host, port: ["1.1.1.1", "10.0.0.1"])

    def test_a_name_that_leads_elsewhere_a_moment_later_gains_nothing(self) -> None:
        with receiving("127.0.0.2") as checked, receiving("127.0.0.1", checked.port) as inside:
            rebinding = leads_to("127.0.0.2", "127.0.0.1")
            answer = outgoing.send(
                "GET", f"http://rebinding.example:{checked.port}/", resolve=rebinding, is_outside=lambda one: one == "127.0.0.2"
            )
            assert answer.good and inside.got == []
            assert [got.headers["host"] for got in checked.got] == [f"rebinding.example:{checked.port}"]

    def test_a_redirect_is_not_followed(self, allowed: Receiver) -> None:
        with receiving() as inside:

            def redirect(handler: Any, got: Any) -> None:
                handler.send_response(302)
                handler.send_header("Location", f"{inside.url}/secret")
                handler.send_header("Content-Length", "0")
                handler.end_headers()

            allowed.answer = redirect
            answer = outgoing.send("POST", allowed.url, body=b"{}")
            assert (answer.status, answer.good) == (302, False)
            assert inside.got == []

    def test_a_host_that_the_site_names_is_reached_in_its_own_network(self, receiver: Receiver, settings: Any) -> None:
        settings.OUTGOING_HOSTS = ["hooks.lab.example"]
        url = f"http://hooks.lab.example:{receiver.port}/in?x=1"
        assert outgoing.send("POST", url, body=b"words", resolve=leads_to("127.0.0.1")).body == b"thanks"
        assert [(got.method, got.path, got.body) for got in receiver.got] == [("POST", "/in?x=1", b"words")]
        settings.OUTGOING_HOSTS = [f"hooks.lab.example:{receiver.port + 1}"]
        with pytest.raises(Inside):
            outgoing.send("POST", url, resolve=leads_to("127.0.0.1"))

    @pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "fd00:ec2::254", "::ffff:169.254.169.254"])
    def test_nobody_can_allow_the_address_where_clouds_keep_passwords(self, address: str, settings: Any) -> None:
        settings.OUTGOING_HOSTS = ["hooks.lab.example"]
        with pytest.raises(Inside):
            outgoing.send("GET", "http://hooks.lab.example/latest/meta-data/", resolve=leads_to(address))

    @pytest.mark.parametrize(
        "url",
        [
            *("", "receiver.example", "ftp://receiver.example/", "file:///etc/passwd", "gopher://receiver.example/", "//receiver.example/"),
            *("https://", "https://:443/", "https://me:secret@receiver.example/", "https://receiver.example@127.0.0.1/"),
            *("https://receiver.example:0/", "https://receiver.example:99999/", "https://receiver.example:x/", "https://[::1/"),
            *("https://receiver.example/a b", "https://receiver.example/\r\nX: y", "https://receiver.example\\@127.0.0.1/"),
            *("https://receiver.example/ü", "https://" + "a" * 64 + ".example/", "https://receiver.example\t/"),
        ],
    )
    def test_other_addresses_than_of_web_servers_are_refused(self, url: str) -> None:
        with pytest.raises(BadAddress):
            outgoing.check(url, resolve=leads_to("1.1.1.1"))

    def test_a_name_may_have_letters_of_every_language(self) -> None:
        outgoing.check("https://höhle.example/", resolve=leads_to("1.1.1.1"))


class TestHowLong:
    def test_a_server_that_says_nothing_is_left(self, allowed: Receiver) -> None:
        def say_nothing(handler: Any, got: Any) -> None:
            allowed.over.wait()

        allowed.answer = say_nothing
        with pytest.raises(TooSlow, match=r"longer than 0\.3 seconds"):
            outgoing.send("GET", allowed.url, limits=Limits(seconds=0.3))

    @pytest.mark.parametrize("headers", [True, False])
    def test_a_byte_now_and_then_prolongs_nothing(self, allowed: Receiver, headers: bool) -> None:
        def drip(handler: Any, got: Any) -> None:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"" if headers else b"\r\n"))
            try:
                while not allowed.over.wait(0.02):
                    handler.wfile.write(b"X-More: 1\r\n" if headers else b"x")
            except OSError:
                pass  # nobody listens any more

        allowed.answer = drip
        with pytest.raises((TooSlow, Unreached)):  # a hundred headers are too many, if they come in time
            outgoing.send("GET", allowed.url, limits=Limits(seconds=0.3))

    def test_a_name_that_nobody_looks_up_is_left(self, receiver: Receiver) -> None:
        def never(host: str, port: int) -> list[str]:
            receiver.over.wait()
            return []

        with pytest.raises(TooSlow):
            outgoing.send("GET", "http://slow.example/", resolve=never, limits=Limits(seconds=0.1))

    def test_no_more_of_an_answer_is_read_than_was_asked_for(self, allowed: Receiver) -> None:
        allowed.answer = lambda handler, got: (500, b"x" * 100_000)
        answer = outgoing.send("GET", allowed.url, limits=Limits(n_bytes=1000))
        assert (answer.status, len(answer.body), answer.whole) == (500, 1000, False)
        allowed.answer = lambda handler, got: (200, b"x" * 1000)
        assert outgoing.send("GET", allowed.url, limits=Limits(n_bytes=1000)).whole


class TestWhatGoesWrong:
    def test_a_host_that_is_not_there(self) -> None:
        def unknown(host: str, port: int) -> list[str]:
            raise OSError

        with pytest.raises(Unreached, match=r"There is no host nowhere\.example"):
            outgoing.send("GET", "http://nowhere.example/", resolve=unknown)

    def test_a_server_that_is_away(self, settings: Any) -> None:
        with receiving() as gone:
            pass
        settings.OUTGOING_HOSTS = [gone.host]
        with pytest.raises(Unreached, match="Connection refused"):
            outgoing.send("GET", gone.url)

    @pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nsecret", b""])
    def test_what_is_no_web_server_or_breaks_off_is_not_repeated(self, allowed: Receiver, said: bytes) -> None:
        def answer(handler: Any, got: Any) -> None:
            handler.wfile.write(said)

        allowed.answer = answer
        with pytest.raises(Unreached) as refused:
            outgoing.send("GET", allowed.url)
        assert "SSH" not in str(refused.value) and "secret" not in str(refused.value)

    def test_the_certificate_must_be_the_hosts_whatever_address_it_has(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out",
             certificate, "-days", "2", "-subj", "/CN=receiver.example", "-addext", "subjectAltName=DNS:receiver.example"],
            check=True, capture_output=True,
        )  # fmt: skip
        theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        theirs.load_cert_chain(certificate, key)
        inside: Any = {"resolve": leads_to("127.0.0.1"), "is_outside": lambda address: True}
        with receiving(secured=theirs) as secure:
            with pytest.raises(Unreached, match="no certificate that can be trusted"):
                outgoing.send("GET", f"https://receiver.example:{secure.port}/", **inside)
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            assert outgoing.send("GET", f"https://receiver.example:{secure.port}/", **inside).good
            with pytest.raises(Unreached, match="no certificate that can be trusted"):
                outgoing.send("GET", f"https://other.example:{secure.port}/", **inside)
            assert len(secure.got) == 1
