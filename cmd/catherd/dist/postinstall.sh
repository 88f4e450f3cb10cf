#!/bin/sh
# Never touches a running balancer on a broken file. Otherwise the new version takes over
# without a lost connection; one that cannot do that is restarted.
set -e
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
systemctl is-active --quiet catherd.service || exit 0
if catherd check /etc/catherd/catherd.yaml; then
	catherd upgrade || systemctl restart catherd.service
else
	echo "catherd was not restarted: correct /etc/catherd/catherd.yaml, then systemctl restart catherd" >&2
fi
