"""The words of every complaint, as a person reads them: tests/golden/config-errors/."""

from pathlib import Path

import pytest

from storewarden.config.addresses import AddressError, catalogue_address, listen_address
from tests.conftest import Golden
from tests.unit.config.asking import problems

YAML = [
    b"",
    b"# only a remark\n",
    b"---\n",
    b"just words\n",
    b"- a\n- b\n",
    b"a:\n\tb: 1\n",
    b"roots: {a: \x01}\n",
    b"roots: {a: /a}\rlog: {level: info}\n",
    "roots: {a: '\u202e/a'}\n".encode(),
    "roots: {a: /ü}\n".encode("latin-1"),
    "roots: {a: /a}\n".encode("utf-16"),
    b"#" * (1 << 20) + b"!",
    b"[" * 100,
    b"roots: {a: /a}\n---\nroots: {a: /a}\n",
    b"%FOO bar\n---\na: 1\n",
    b"%TAG ! tag:example.org,2000:\n---\na: 1\n",
    b"roots: {a: /a, a: /b}\nstate: /s\nstate: /t\n",
    b"roots: &all {a: &one /a, b: *one}\nstores: *all\n",
    b"roots:\n  a: {path: /a}\n  b: {<<: *a}\n",
    b"roots: {a: !!str /a}\n",
    b"roots: !!python/object/apply:os.system ['true']\n",
    b"? [a, b]\n: c\n",
    b"*a : b\n",
    b"roots: {a: {path: /a, exclude: [*.part]}}\n",
    b"roots: {a: {path: /a, exclude: [*part]}}\n",
    b"roots: {a: &/a}\n",
    b"roots: {a: @a}\n",
    b"roots: {a: `a`}\n",
    b"roots: {a: %a}\n",
    b"roots: a: /a\n",
    b"roots\nstate: /s\n",
    b"roots:\n  a: /a\n b: /b\n",
    b"state: /s\n  roots: {a: /a}\n",
    b"roots: {a: /a\nstate: /s\n",
    b"roots: {a: {path: /a, exclude: [a, b}}\n",
    b"roots: {a: [1,,2]}\n",
    b"roots: {a: /a}\n}\n",
    b'state: "/s\nroots: {a: /a}\n',
    b'state: "\\q"\n',
    b'state: "\\xZZ"\n',
    b"- a\nb: 1\n",
]
KEYS = [
    b"roots: {a: /a}\nstores: {}\npolicies: []\ntables: {}\n",
    b"roots: {a: {path: /a, usage: sometimes, wach: poll, Settle: 1s}}\n",
    b"roots: {a: /a}\nwatch-share: 50%\npolices: x\n'odd key\\n': 1\n",
    b"roots: {a: /a}\nhttp: {listne: none}\nlog: {}\n",
    b"roots: {a: /a}\nhealth: {profile: task54, slow_querys: 5, blind: 101, drill: 1.5}\n",
    b"roots: {a: /a}\nhealth: {points: {blind: 5}, backup: [5], orphans: true}\n",
    b"roots: {a: /a}\nhealth: task45\n",
    b"state: /s\n",
    b"roots:\n",
    b"roots: {}\n",
    b"roots: /a\n",
    b"roots: [/a, /b]\n",
    b"roots: {a: }\n",
    b"roots: {a: {}}\n",
    b"roots: {a: [/a]}\n",
    b"roots: {a: {settle: 1s}}\n",
    b"roots: {A: /a, 9: /b, _x: /c, 'a b': /d, '': /e, \xc3\xa4: /f}\n",
    b"roots: {a-b: /a, a_b: /b}\n",
    b"roots: {a: /a}\nhttp: none\nlog: debug\n",
    b"roots: {a: /a}\napi: {socket: 'unix:/a.sock', socket_without_token: admin, token: x}\n",
]
VALUES = [
    b"roots: {a: /a}\nstate: true\ncatalogue: false\nwatch_share: true\n",
    b"roots: {a: /a}\nstate:\ncatalogue: ~\nwatch_share: null\nlog: {level: ''}\n",
    b"roots: {a: /a}\nstate: [/s]\ncatalogue: {x: y}\n",
    b'roots: {a: "/a\\0b", b: ~bob/media}\n',
    b"roots: {a: " + b"/abcdefgh" * 500 + b"}\n",
    b"roots: {a: /a}\nwatch_share: 0.5\n",
    b"roots: {a: /a}\nwatch_share: 0.1%\n",
    b"roots: {a: /a}\nwatch_share: 101%\n",
    b"roots: {a: /a}\nlog: {level: INFO, format: yaml}\n",
    b"roots: {a: {path: /a, watch: fanotify, digest: yes}}\n",
    b"roots: {a: {path: /a, digest: 'true'}}\n",
    b"roots: {a: {path: /a, digest: on}, b: {path: /b, digest: True}}\n",
    b"roots: {a: {path: /a, settle: 5, rescan: 1m, poll: 13:30}}\n",
    b"roots: {a: {path: /a, settle: 0s, rescan: 1y, poll: never, settle_cap: 1d 1s}}\n",
    b"roots: {a: {path: /a, missing_share: 0%}}\n",
    b"roots: {a: {path: /a, exclude: '*.part', partial: {a: b}}}\n",
    b"roots: {a: {path: /a, exclude: ['', ~, '/', 'a//b', '../b', './', 'a/./b']}}\n",
    b"roots: {a: {path: /a, exclude: ['[ab', '[z-a]', '*', '**/', [x]]}}\n",
    b'roots: {a: {path: /a, exclude: ["\\0"], partial: [a/b]}}\n',
]
TOGETHER = [
    b"roots: {a: /m, b: /m}\n",
    b"roots: {a: /m, b: ./x, c: /m/in/side, d: ./x/../x/y}\n",
    b"roots: {a: /m/in, b: /m, c: /media}\n",
    b"roots: {all: /}\nstate: /var/lib/s\n",
    b"roots: {a: ./state/x, b: ./state}\nstate: ./state\n",
    b"roots: {a: ~/media, b: ~}\n",
    b"roots: {a: /a, b: /b}\ncatalogue: sqlite:///b/catalogue.db\n",
    b"roots: {a: {path: /a, settle: 2min}}\n",
    b"roots: {a: {path: /a, settle: 2min, settle_cap: 2min}}\n",
    b"roots: {a: {path: /a, settle: 2min, settle_cap: 5}}\n",
    b"roots: {a: {path: /a, settle: 1h, settle_cap: 1min}, b: /a}\nstate: ''\n",
    b'roots: {a: /a}\nhttp: {listen: "0.0.0.0:9747"}',
    b'roots: {a: /a}\nhttp: {listen: "[::]:9747"}',
    b"roots: {a: /a}\nhttp: {listen: 'unix:/a.sock'}\napi: {socket: /a.sock}\n",
    b'roots: {a: /a}\nhttp: {listen: "192.168.0.1:9747", web_config: ""}',
]
STORES = [
    b"roots: {a: /a}\nstores: [/x]\n",
    b"roots: {a: /a}\nstores: {Cold: /x, warm: , b: {}, c: {prize: 1}}\n",
    b"roots: {a: /a}\nstores: {b: {path: /x, url: 's3://bucket'}, c: {price: {gib_month: 1}}}\n",
    b"roots: {a: /a}\nstores: {b: {path: /x, region: eu, endpoint: 'http://h'}}\n",
    b"roots: {a: /a}\nstores: {b: 'ftp://bucket', c: 's3://', d: 's3://me:hunter2@b/p'}\n",
    b"roots: {a: /a}\nstores: {b: {url: 'gs://bucket', region: eu}, c: 's3://b/x', d: 'az://box/a//b'}\n",
    b"roots: {a: /a}\nstores: {b: {url: 's3://bucket', endpoint: db, region: 'Eu 1'}}\n",
    b"roots: {a: /a}\nstores: {b: {url: 's3://bucket', endpoint: 'http://h:99999'}}\n",
    b"roots: {a: /a}\nstores: {b: {url: 's3://bucket', endpoint: 'http://me:hunter2@h'}}\n",
    b"roots: {a: /a}\nstores: {local: {path: /x, price: {gib_month: cheap, gib_out: -1}}}\n",
    b"roots: {a: /a}\nstores: {b: {path: /x, price: 3}}\n",
    b"roots: {a: /a}\nstores: {in: /a/b, over: /, same: /x, again: /x}\n",
    b"roots: {a: /a}\ncurrency: euro\n",
    b"roots: {a: /a}\npolicies: {a: b}\n",
    b"roots: {a: /a}\npolicies: [true, '', [x], 'shipped:', 'shipped:A b', ./p, p]\n",
    b"roots: {a: /a}\npolicies:\n",
    b"roots: {a: /a}\ntables: {App: {database: x}}\n",
    b"roots: {a: /a}\ntables: {a.b.c: {database: x, table: t, key: k, clock: c}}\n",
    b"roots: {a: /a}\ntables: {a.b: {database: x, table: 'a b', key: 1d, clock: true, tabel: x}}\n",
    b"roots: {a: /a}\ntables: {a.b: {database: x, table: t, key: k, clock: c, children: [m]}}\n",
    b"roots: {a: /a}\ntables: {a: {database: x, table: t, key: k, clock: c, children: {'m n': 1}}}",
    b"roots: {a: /a}\ntables: {a: app.db}\n",
]
CATALOGUES = [
    "postgres",
    "mysql://x/y",
    "/var/lib/x.db",
    "data.db",
    "sqlit",
    "something",
    "host=db user=me password=hunter2",
    "sqlite://",
    "sqlite://relative.db",
    "sqlite:///",
    "sqlite:///x/",
    "sqlite:///x.db?mode=ro",
    "postgresql://",
    "postgresql://db",
    "postgresql://me:hunter2@db",
    "postgresql://me:hunter2@db/a/b",
    "postgresql://me:hun/ter2@db/a",
    "postgresql://me:hun@ter2@db/a",
    "postgresql://me:hun#ter2@db/a",
    "postgresql://me:hun ter2@db/a",
    "postgresql://me:hunter2@db:port/a",
    "postgresql://me:hunter2@db:0/a",
    "postgresql://me:hunter2@db:65536/a",
    "postgresql://[::1/a",
    "mysql://me:hunter2@db/a",
    "postgersql://me:hunter2@db/a",
]
ADDRESSES = [
    "off",
    "never",
    "9747",
    "127.0.0.1",
    ":9747",
    "::1:9747",
    "unix:",
    "unix:run/http.sock",
    "unix:/run/",
    "unix:/" + "x" * 107,
    "unix:/run/a\nb",
    "example.org:80",
    "127.0.0.1:",
    "127.0.0.1:http",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "http://127.0.0.1:9747",
]


@pytest.mark.parametrize(
    ("theme", "cases"),
    [
        ("yaml", YAML),
        ("keys", KEYS),
        ("values", VALUES),
        ("together", TOGETHER),
        ("stores", STORES),
    ],
)
def test_a_file_is_told_its_problems(
    theme: str, cases: list[bytes], tmp_path: Path, golden: Golden
) -> None:
    told = []
    for case in cases:
        shown = case if len(case) < 100 else case[:60] + b" ... " + case[-10:]
        lines = [line.replace(str(tmp_path), "<here>") for line in problems(tmp_path, case)]
        told += [repr(shown)[1:], *(f"    {line}" for line in lines), ""]

    golden(f"config-errors/{theme}.txt", "\n".join(told))


@pytest.mark.parametrize(("theme", "cases"), [("catalogue", CATALOGUES), ("listen", ADDRESSES)])
def test_an_address_is_told_its_problem(theme: str, cases: list[str], golden: Golden) -> None:
    read = {"catalogue": catalogue_address, "listen": listen_address}[theme]
    told = []
    for case in cases:
        with pytest.raises(AddressError) as caught:
            read(case)
        told += [case, f"    {caught.value}", ""]
        assert "hunter2" not in str(caught.value)
        assert "ter2" not in str(caught.value)

    golden(f"config-errors/{theme}.txt", "\n".join(told))


def test_everything_is_told_at_once_in_the_order_of_the_file(
    tmp_path: Path, golden: Golden
) -> None:
    text = """\
state: ./state
catalogue: postgresql://me:hunter2@db
watch_share: 0.5
roots:
  save_outputs: {path: ./save_outputs, watch: Auto, settle: 5m, exclude: "*.part", usage: true}
  Uploads: ./uploads
  inner: ./save_outputs/in
  ours: ./state/x
  b: {path: /b, digest: yes, partial: [a/b], rescan: never}
stores: {cold: /mnt/cold}
polices: [./policies]
http: {listen: "0.0.0.0:9747", lisen: 1}
log: {level: INFO}
"""
    environ = {"STOREWARDEN_CATALOG": "x", "STOREWARDEN_ROOTS_INNER_SETTLE": "2"}

    told = problems(tmp_path, text, environ)

    golden("config-errors/all-at-once.yaml", text)
    said = "\n".join(told) + "\n"
    golden("config-errors/all-at-once.txt", said.replace(str(tmp_path), "<here>"))
