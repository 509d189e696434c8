#!/usr/bin/env bash
#   ./run.sh                  starts all that is installed; Ctrl-C stops it
#   ./run.sh relay --test     starts one, with further arguments; systemd's units do so
# Programs are also looked for in bin/ beside this file. What they keep is in data/, what they print in logs/.
<<made>>
set -u
cd "$(dirname "$0")" || exit 1
PATH=$PWD/bin:$PATH:/usr/local/bin:/usr/sbin:/opt/homebrew/bin
umask 077
# What was answered stands in the files here. What a shell has exported would be there a second time, or change it.
for variable in ${!LLMTRAIN_@}; do unset "$variable"; done

names="<<names|join(' ')>>"

first() { # the first of these programs that there is
  local name
  for name in "$@"; do command -v "$name" && return; done
  return 1
}

program() {
  case $1 in
  exporter | relay) first <<program|sh>> llmtrain-exporter ;;
  prometheus) first prometheus ;;
  alertmanager) first alertmanager prometheus-alertmanager ;;
  grafana) first grafana grafana-server ;;
  *) return 2 ;;
  esac
}

port() {
  case $1 in
%% for name in names
  <<name>>) echo <<ports[name]>> ;;
%% endfor
  esac
}

missing() { # how to get it
  case $1 in
  exporter | relay) echo <<words.no_exporter|sh>> ;;
  prometheus) echo <<words.no_prometheus|sh>> ;;
  alertmanager) echo <<words.no_alertmanager|sh>> ;;
  grafana) echo <<words.no_grafana|sh>> ;;
  esac
}

grafana_home() {
  local folder
  for folder in "$(dirname "$1")/.." /usr/share/grafana /opt/homebrew/share/grafana /usr/local/share/grafana; do
    if [ -e "$folder/conf/defaults.ini" ]; then echo "$folder" && return; fi
  done
}

become() { # NAME PROGRAM ARGUMENTS...: the shell becomes that program
  local name=$1 program=$2 delay='' server=''
  shift 2
  case $name in
  exporter) exec "$program" serve --config exporter.yml "$@" ;;
  relay) exec "$program" relay --config relay.yml "$@" ;;
  prometheus)
    exec "$program" --config.file=prometheus.yml --storage.tsdb.path=data/prometheus \
      --storage.tsdb.retention.time=30d --storage.tsdb.retention.size=20GB --web.enable-remote-write-receiver \
      --web.listen-address=<<prometheus>> --web.external-url=http://localhost:<<ports.prometheus>> "$@"
    ;;
  alertmanager)
    # Prometheus sends all that fires once a minute: before that, groups are in parts, and signals without
    # the incident that keeps them silent. From 0.30 on.
    if "$program" --help 2>&1 | grep -q -e --dispatch.start-delay; then delay=--dispatch.start-delay=75s; fi
    exec "$program" --config.file=alertmanager.yml --storage.path=data/alertmanager --cluster.listen-address= \
      --web.listen-address=<<alertmanager>> --web.external-url=http://localhost:<<ports.alertmanager>> \
      ${delay:+"$delay"} "$@"
    ;;
  grafana)
    case $program in *grafana) server=server ;; esac
    exec "$program" ${server:+"$server"} --homepath "$(grafana_home "$program")" --config grafana/grafana.ini "$@"
    ;;
  esac
}

mkdir -p data logs || exit 1

if [ $# -gt 0 ]; then
  found=$(program "$1")
  case $? in
  1) echo "$1: $(missing "$1")" >&2 && exit 1 ;;
  2) echo "$1: "<<words.no_such_program|sh>>" $names" >&2 && exit 64 ;;
  esac
  name=$1
  shift
  become "$name" "$found" "$@"
fi

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

installed='' fault=''
for name in $names; do
  if ! program "$name" >/dev/null; then
    echo "$name: $(missing "$name")" >&2
    if [ "$name" = exporter ]; then exit 1; fi
  elif taken "$(port "$name")"; then
    text=<<words.taken|sh>>
    text=${text//\{name\}/$name}
    echo "$name: ${text//\{port\}/$(port "$name")}" >&2
    fault=1
  else
    installed="$installed $name"
  fi
done
if [ -n "$fault" ]; then exit 1; fi

running=''
stop() {
  trap - HUP INT TERM EXIT
  local pid
  for pid in $running; do kill -TERM "$pid" 2>/dev/null; done
  wait
}
trap 'stop; exit 0' HUP INT TERM # a terminal that closes too: the programs take HUP for something else
trap stop EXIT

rest() { # in the background, so that a signal is heard at once
  sleep "$1" &
  wait $!
}

alive() { # the first that has ended ends all
  local name
  for name in $installed; do
    if ! kill -0 "$(pid_of "$name")" 2>/dev/null; then
      echo "$name: "<<words.ended|sh>>" $PWD/logs/$name.log:" >&2
      tail -n 5 "logs/$name.log" >&2
      exit 1
    fi
  done
}

pid_of() { eval "echo \$pid_$1"; }

for name in $installed; do
  (become "$name" "$(program "$name")") >"logs/$name.log" 2>&1 </dev/null &
  eval "pid_$name=$!"
  running="$running $!"
done
for name in $installed; do
  until taken "$(port "$name")"; do alive && rest 0.2; done
done

printf '%s\n' <<words.addresses|sh>>
while true; do alive && rest 1; done
