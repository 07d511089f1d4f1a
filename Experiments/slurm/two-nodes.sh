#!/bin/bash
# A Slurm cluster of two nodes, n1 and n2, on this machine: as root, without systemd, in a folder that can be thrown away.
#
#   two-nodes.sh up FOLDER        munged, slurmctld and two slurmd; says how to use them
#   two-nodes.sh kill FOLDER n2   the node's slurmd and its tasks die by SIGKILL
#   two-nodes.sh down FOLDER      ends everything that `up` started there
#
# Needs Debian's slurm-wlm and munge. Nothing outside FOLDER is written, but for the cgroup-less bookkeeping of slurmd itself.
set -euo pipefail

action=${1:-} folder=$(realpath -m "${2:-}") node=${3:-}
[ -n "$action" ] && [ -n "${2:-}" ] || { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }

# Ends the processes whose pids stand in these files, with their children.
end_pids() {
    local file pid
    for file in "$@"; do
        [ -f "$file" ] || continue
        pid=$(cat "$file")
        kill -9 "$pid" 2>/dev/null || true
        rm -f "$file"
    done
}

# The pids of a node's tasks: Slurm tells each the names of its node and of its configuration.
tasks_of() {
    local process variables
    for process in /proc/[0-9]*; do
        variables=$(tr '\0' '\n' 2>/dev/null < "$process/environ") || continue
        grep -qxF "SLURMD_NODENAME=$1" <<< "$variables" && grep -qxF "SLURM_CONF=$folder/slurm.conf" <<< "$variables" &&
            echo "${process#/proc/}"
    done
    return 0
}

# slurmd, each task's slurmstepd, and the tasks.
kill_node() {
    local tasks task parent
    tasks=$(tasks_of "$1")
    end_pids "$folder/slurmd-$1.pid"
    for task in $tasks; do
        parent=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$task/status" 2>/dev/null) || continue
        [ "$(cat "/proc/$parent/comm" 2>/dev/null)" = slurmstepd ] && kill -9 "$parent" 2>/dev/null
    done
    for task in $tasks; do kill -9 "$task" 2>/dev/null || true; done
}

up() {
    # The daemons outlive whoever calls this: they keep no descriptor of his.
    local descriptor
    for descriptor in /proc/$$/fd/*; do
        descriptor=${descriptor##*/}
        if [ "$descriptor" -gt 2 ] && [ "$descriptor" -lt 255 ]; then eval "exec $descriptor>&-"; fi
    done
    local host; host=$(hostname -s)
    for program in munged slurmctld slurmd srun; do
        command -v "$program" >/dev/null || { echo "two-nodes.sh: $program is missing: apt-get install slurm-wlm munge" >&2; exit 127; }
    done
    mkdir -p "$folder"/{state,spool-n1,spool-n2,munge}
    chmod 700 "$folder/munge"
    dd if=/dev/urandom of="$folder/munge/key" bs=1024 count=1 status=none
    chmod 400 "$folder/munge/key"
    local base=$((20000 + $$ % 20000))
    cat > "$folder/slurm.conf" <<CONFIGURATION
ClusterName=halcyon
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=$base
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CryptoType=crypto/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool-%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd-%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=10
InactiveLimit=0
KillWait=2
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((base + 1)) CPUs=2 State=UNKNOWN
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((base + 2)) CPUs=2 State=UNKNOWN
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
CONFIGURATION
    munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munged.pid" \
        --log-file="$folder/munged.log" --seed-file="$folder/munge/seed"
    export SLURM_CONF="$folder/slurm.conf"
    slurmctld -c
    for node in n1 n2; do slurmd -c -N "$node"; done
    for _ in $(seq 100); do
        [ "$(sinfo -h -N -o '%t' 2>/dev/null | sort -u)" = idle ] && { echo "export SLURM_CONF=$SLURM_CONF"; return; }
        sleep 0.2
    done
    echo "two-nodes.sh: the nodes do not come up; see $folder/*.log" >&2
    sinfo -N -l >&2 || true
    down
    exit 1
}

down() {
    export SLURM_CONF="$folder/slurm.conf"
    kill_node n1
    kill_node n2
    end_pids "$folder/slurmctld.pid" "$folder/munged.pid"
}

case $action in
    up) up ;;
    down) down ;;
    kill) kill_node "$node" ;;
    *) echo "two-nodes.sh: expected up, kill or down, found $action" >&2; exit 2 ;;
esac
