#!/bin/sh
# Never restarts a running balancer on a broken file.
set -e
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
systemctl is-active --quiet catherd.service || exit 0
if catherd check /etc/catherd/catherd.yaml; then
	systemctl restart catherd.service
else
	echo "catherd was not restarted: correct /etc/catherd/catherd.yaml, then systemctl restart catherd" >&2
fi
