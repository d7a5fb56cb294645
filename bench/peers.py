"""The peers of the benchmarks: Debian's Postfix and Dovecot on loopback, with Maildir and default fsync settings.

Postfix takes mail at 2525 and hands it to Dovecot's LMTP at 2424; Dovecot serves IMAP at 2143 and POP3 at 2110, for
any user name of example.test with the password "pass". Needs root and the packages postfix, dovecot-imapd,
dovecot-lmtpd and dovecot-pop3d.
"""

import os
import pwd
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SMTP, LMTP, IMAP, POP3 = 2525, 2424, 2143, 2110

_DOVECOT = """
base_dir = {dir}/run
protocols = imap lmtp pop3
log_path = {dir}/dovecot.log
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{dir}/mail/%u
first_valid_uid = 100
mail_uid = vmail
mail_gid = vmail
passdb {{
  driver = static
  args = password=pass
}}
userdb {{
  driver = static
  args = uid=vmail gid=vmail home={dir}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = 2143
  }}
  inet_listener imaps {{
    port = 0
  }}
  service_count = 0
  process_min_avail = 1
}}
service pop3-login {{
  inet_listener pop3 {{
    address = 127.0.0.1
    port = 2110
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = 2424
  }}
  process_min_avail = 2
}}
protocol lmtp {{
  auth_username_format = %n
}}
mail_max_userip_connections = 20000
default_client_limit = 20000
default_process_limit = 4000
"""

_POSTFIX = """
compatibility_level = 3.6
queue_directory = {dir}/spool
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
myhostname = mx.example.test
mydomain = example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = example.test
virtual_mailbox_maps =
virtual_transport = lmtp:inet:127.0.0.1:2424
local_recipient_maps =
mynetworks = 127.0.0.0/8
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
default_process_limit = 200
lmtp_destination_concurrency_limit = 20
maillog_file = /var/log/peer-postfix.log
alias_maps =
alias_database =
"""


def missing() -> str:
    """What the peers need and this machine lacks, "" for nothing."""
    lacking = [
        name for name in ("postfix", "dovecot", "smtp-source") if not shutil.which(name, path="/usr/sbin:/usr/bin")
    ]
    if os.geteuid() != 0:
        lacking.append("root")
    return ", ".join(lacking)


def vmail() -> pwd.struct_passwd:
    """The user who owns Dovecot's mail; made where missing."""
    try:
        return pwd.getpwnam("vmail")
    except KeyError:
        subprocess.run(["useradd", "-m", "vmail"], check=True)
        return pwd.getpwnam("vmail")


@contextmanager
def postfix_and_dovecot(path: Path) -> Iterator[None]:
    """Both, running with all their data below `path`."""
    owner = vmail()
    etc = path / "etc"
    for folder in (path / "mail", path / "spool", path / "data"):
        folder.mkdir(parents=True)
    path.chmod(0o755)
    os.chown(path / "mail", owner.pw_uid, owner.pw_gid)
    shutil.chown(path / "data", "postfix")
    shutil.copytree("/etc/postfix", etc, symlinks=True)
    (path / "dovecot.conf").write_text(_DOVECOT.format(dir=path))
    (etc / "main.cf").write_text(_POSTFIX.format(dir=path))
    master = Path("/etc/postfix/master.cf").read_text()
    master = re.sub(r"^smtp\s+inet\s.*$", f"127.0.0.1:{SMTP} inet n - n - - smtpd", master, flags=re.M)
    master = re.sub(r"^(\S+\s+(?:unix|fifo)\s+\S+\s+\S+\s+)y", r"\1n", master, flags=re.M)  # no chroot
    (etc / "master.cf").write_text(master)
    subprocess.run(["dovecot", "-c", str(path / "dovecot.conf")], check=True)
    subprocess.run(["postfix", "-c", str(etc), "start"], check=True, capture_output=True)
    try:
        for port in (SMTP, LMTP, IMAP, POP3):
            _wait(port)
        yield
    finally:
        subprocess.run(["postfix", "-c", str(etc), "stop"], check=False, capture_output=True)
        subprocess.run(["doveadm", "-c", str(path / "dovecot.conf"), "stop"], check=False, capture_output=True)


def _wait(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the peer on port {port} did not come up")
