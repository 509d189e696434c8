#!/bin/sh
# Starts Grafana, after what its configuration cannot do: who may come in, which data sources and which home.
set -eu

root=${START_ROOT:-} # before every path, for tests

password=$PASSWORD
if [ -e "$root/run/secrets/password" ]; then password=$(cat "$root/run/secrets/password"); fi
unset PASSWORD

refuse() {
    echo "grafana: $1" >&2
    echo "grafana: write LLMTRAIN_GRAFANA_PASSWORD=... into .env, or the file secrets/grafana/password" >&2
    exit 1
}

if [ -n "$password" ]; then
    [ "${#password}" -ge 8 ] || refuse "the password has fewer than 8 characters"
    export GF_SECURITY_ADMIN_PASSWORD="$password"
else
    case $BIND in
    127.* | localhost | ::1 | '[::1]') ;;
    *) refuse "is to listen on $BIND, where others can reach it, and has no password" ;;
    esac
    # On this machine everybody may look, and nobody can log in: there is no default password to know.
    export GF_AUTH_ANONYMOUS_ENABLED=true GF_AUTH_ANONYMOUS_ORG_ROLE=Viewer
    export GF_AUTH_BASIC_ENABLED=false GF_AUTH_DISABLE_LOGIN_FORM=true
    export GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION=true
fi

case $UI_LANGUAGE in zh) export GF_USERS_DEFAULT_LANGUAGE=zh-Hans ;; esac

for home in "$root"/etc/grafana/dashboards/*/fleet.json; do
    if [ -e "$home" ]; then export GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH="$home"; fi
done

profile() { case ",$PROFILES," in *,"$1",* | *,\*,*) ;; *) return 1 ;; esac; }

# What is provisioned lies on a read-only mount, so what a profile adds makes a copy of it.
add() {
    export GF_PATHS_PROVISIONING="$root/tmp/provisioning"
    [ -e "$GF_PATHS_PROVISIONING" ] || cp -r "$root/etc/grafana/provisioning" "$GF_PATHS_PROVISIONING"
    cp "$root/etc/grafana/provisioning/$1" "$GF_PATHS_PROVISIONING/$2/"
}

if profile long-term; then add long-term.yml datasources; fi
if profile gpu; then add gpu.yml dashboards; fi

exec "$root/run.sh" "$@"
