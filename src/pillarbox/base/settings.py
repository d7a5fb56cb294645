"""Every setting, its type, its default and what it means.

Each section of `pillarbox.toml` is one frozen dataclass here; the comment that `pillarbox init` writes for a
setting is the `help` in its field. Reading and checking the file is `app/config.py`. Sizes are octets, durations
seconds, unless a name says otherwise.
"""

from dataclasses import dataclass, field
from typing import Any

MIB = 1024 * 1024


def setting(default: Any, help: str) -> Any:
    """A dataclass field with a default and the sentence that explains it."""
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: type(default)(default), metadata={"help": help})
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, slots=True)
class Server:
    """[server]"""

    hostname: str = setting("mail.example.test", "The name this server gives itself in greetings and headers.")
    listen: list[str] = setting(["127.0.0.1"], 'Addresses to listen on; "0.0.0.0" and "::" mean all.')
    port_offset: int = setting(0, "Added to every standard port: 20000 makes 25 into 20025.")
    workers: int = setting(0, "Worker processes; 0 means one per processor core.")
    user: str = setting("", "User to become after the ports are bound as root; empty: stay who we are.")
    drain_seconds: float = setting(10.0, "How long clients may finish after a stop was asked for.")
    log_format: str = setting("text", 'Log lines as "text" or "json".')
    log_level: str = setting("info", "debug, info, warning or error.")
    metrics_port: int = setting(9925, "Port for /metrics and /healthz on 127.0.0.1, the offset added; 0: none.")


@dataclass(frozen=True, slots=True)
class Listeners:
    """[listeners]"""

    smtp: int = setting(25, "Mail from other servers. 0 switches a listener off, here and below.")
    submission: int = setting(587, "Mail from our people, STARTTLS.")
    submissions: int = setting(465, "Mail from our people, TLS from the start.")
    lmtp: int = setting(24, "Mail from a trusted transport on this machine; always bound to 127.0.0.1 only.")
    imap: int = setting(143, "IMAP, STARTTLS.")
    imaps: int = setting(993, "IMAP, TLS from the start.")
    pop3: int = setting(110, "POP3, STLS.")
    pop3s: int = setting(995, "POP3, TLS from the start.")


@dataclass(frozen=True, slots=True)
class Tls:
    """[tls]"""

    certificate: str = setting("certificate.pem", "Certificate chain, relative to the site's directory.")
    key: str = setting("key.pem", "Private key, readable by the server's user only.")
    minimum_version: str = setting("1.2", 'Oldest TLS version spoken: "1.2" or "1.3".')


@dataclass(frozen=True, slots=True)
class Login:
    """[login]"""

    plaintext_networks: list[str] = setting(
        ["127.0.0.0/8", "::1/128"], "Networks from which a login without TLS is allowed."
    )
    cache_seconds: float = setting(300.0, "How long a verified password is remembered (as a keyed hash).")
    failures_before_lockout: int = setting(10, "Failed logins of one name from one address until it is locked out.")
    lockout_seconds: float = setting(300.0, "How long a lock-out lasts.")
    failure_delay: float = setting(2.0, "Seconds the answer to a failed login is held back.")


@dataclass(frozen=True, slots=True)
class Smtp:
    """[smtp]"""

    message_size: int = setting(50 * MIB, "Largest message accepted.")
    recipients: int = setting(1000, "Recipients per message.")
    line_length: int = setting(1000, "Longest line in a message, CRLF included.")
    spool_above: int = setting(MIB, "Messages larger than this wait on disk, not in memory, while they arrive.")
    errors: int = setting(20, "Errors after which a client is sent away.")
    connections_per_client: int = setting(100, "Connections of one address per worker; 0: no limit.")
    received_limit: int = setting(50, "Received headers after which a message is taken to be looping.")
    subaddress_separator: str = setting("+", "What separates a mailbox name from its detail: alice+news@.")
    detail_to_mailbox: bool = setting(True, 'Deliver alice+news@ into the mailbox "news" where it exists.')


@dataclass(frozen=True, slots=True)
class Imap:
    """[imap]"""

    message_size: int = setting(50 * MIB, "Largest message a client may append.")
    connections_per_client: int = setting(200, "Connections of one address per worker; 0: no limit.")
    errors: int = setting(50, "Bad commands after which a client is sent away.")
    idle_timeout: float = setting(1800.0, "How long a client that logged in may be silent (RFC 9051: 30 minutes).")


@dataclass(frozen=True, slots=True)
class Pop3:
    """[pop3]"""

    connections_per_client: int = setting(50, "Connections of one address per worker; 0: no limit.")
    errors: int = setting(20, "Errors after which a client is sent away.")
    login_delay: int = setting(0, "Seconds between logins of one person; 0: none.")
    expire_days: int = setting(-1, "Days a read message is kept, announced as EXPIRE; -1: for ever.")
    timeout: float = setting(600.0, "How long a client may be silent (RFC 1939: 10 minutes).")


@dataclass(frozen=True, slots=True)
class Storage:
    """[storage]"""

    data_volume: str = setting("data", "Directory for the databases, relative to the site's directory.")
    log_volumes: list[str] = setting(
        ["log"], "Directories for the transaction logs, on other disks than the data; two or more are mirrored."
    )
    databases: list[str] = setting(["mailboxes"], "Mailbox databases; new people go to the one with the fewest.")
    segment_size: int = setting(64 * MIB, "Size at which a log segment is closed and the next begun.")
    deleted_item_days: int = setting(14, "Days a deleted message can still be brought back.")
    default_octet_limit: int = setting(0, "Quota of a new person in octets; 0: none.")
    default_message_limit: int = setting(0, "Quota of a new person in messages; 0: none.")


@dataclass(frozen=True, slots=True)
class Backup:
    """[backup]"""

    targets: list[str] = setting(
        [],
        'Where backups and logs go: "file:///mnt/backup", "s3://bucket/prefix?endpoint=https://host&region=eu" '
        "(keys from the environment or [backup] s3_credentials).",
    )
    s3_credentials: str = setting(
        "", "File with two lines, access key and secret key, for S3 targets; empty: the environment's."
    )
    recipients: list[str] = setting([], 'Public keys ("age1...") that backups are encrypted to; none: not encrypted.')
    compression: int = setting(3, "zstd level of what goes to a target; 0: not compressed.")
    time: str = setting("01:30", 'When the nightly backup begins, local time; "": no schedule.')
    full_days: list[str] = setting(["sun"], "Days of full backups; on the others, only what changed is stored.")
    keep_daily: int = setting(7, "The last backup of each of so many days is kept.")
    keep_weekly: int = setting(5, "The last backup of each of so many weeks is kept.")
    keep_monthly: int = setting(12, "The last backup of each of so many months is kept.")
    keep_yearly: int = setting(0, "The last backup of each of so many years is kept.")
    keep_days: int = setting(0, "No backup younger than so many days is ever removed (a legal minimum).")
    archive_seconds: float = setting(1.0, "How often the growing log is sent to every target; 0: never.")
    log_hours: float = setting(24.0, "Log stays on the log volumes at least so long, even where it may be pruned.")
    log_alarm_percent: int = setting(70, "Alarm when a log volume is fuller than this.")


@dataclass(frozen=True, slots=True)
class Drill:
    """[drill]"""

    time: str = setting("", 'When a drill begins, local time ("04:00"); "": only by hand.')
    days: list[str] = setting(["sun"], "On which days.")
    scratch: str = setting("drill", "Directory for restored databases, relative to the site's directory.")
    identity: str = setting("", "File with the private key for encrypted backups; empty: none needed.")


@dataclass(frozen=True, slots=True)
class Promise:
    """[promise]"""

    hours: float = setting(4.0, "Hours in which any database is to be back.")
    loss_seconds: float = setting(1.0, "Seconds of mail that may be lost with a whole machine; 0: needs a standby.")
    classes: list[str] = setting(
        [], 'Stricter promises: "board@example.org hours=1 loss_seconds=0" for the members of that group.'
    )


@dataclass(frozen=True, slots=True)
class Standby:
    """[standby]"""

    server: str = setting("", 'The active server that this one follows, "host:port"; empty: this one is active.')
    listen: str = setting("", 'Address and port on which standbys are served, "0.0.0.0:4190"; empty: none.')
    certificate: str = setting("standby-certificate.pem", "This server's certificate towards the other one.")
    key: str = setting("standby-key.pem", "Its private key.")
    peers: str = setting("standby-peers.pem", "Certificates of the servers that may connect, one after the other.")
    mode: str = setting("async", '"sync": an answer waits until one standby has the log too; "async": it does not.')
    when_gone: str = setting("continue", 'In mode sync without a standby: "continue" (and alarm) or "stop".')
    patience_seconds: float = setting(5.0, "How long an answer waits for a standby until it counts as gone.")
    lag_seconds: float = setting(0.0, "A standby applies records only when they are so old: a guard against mistakes.")


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole of `pillarbox.toml`."""

    server: Server = field(default_factory=Server)
    listeners: Listeners = field(default_factory=Listeners)
    tls: Tls = field(default_factory=Tls)
    login: Login = field(default_factory=Login)
    smtp: Smtp = field(default_factory=Smtp)
    imap: Imap = field(default_factory=Imap)
    pop3: Pop3 = field(default_factory=Pop3)
    storage: Storage = field(default_factory=Storage)
    backup: Backup = field(default_factory=Backup)
    drill: Drill = field(default_factory=Drill)
    promise: Promise = field(default_factory=Promise)
    standby: Standby = field(default_factory=Standby)
