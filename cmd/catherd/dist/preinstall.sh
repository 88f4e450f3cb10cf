#!/bin/sh
# The configuration belongs to the group, so that it must exist before the files.
set -e
getent group catherd >/dev/null || groupadd --system catherd
getent passwd catherd >/dev/null ||
	useradd --system --gid catherd --home-dir /var/lib/catherd --shell /usr/sbin/nologin catherd
