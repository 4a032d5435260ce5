# A Docker daemon of one's own, for a script that is in new mount, pid and net namespaces and reads this one: its files are below $place, and docker asks it.
# $place/lower gets what $lower_script makes.
mount -t proc proc /proc
ip link set lo up
mkdir -p "$place/lower"
(cd "$place/lower" && umask 022 && sh -ec "$lower_script")
echo '{}' >"$place/daemon.json"
dockerd --config-file="$place/daemon.json" --data-root="$place/data" --exec-root="$place/exec" --pidfile="$place/pid" \
	--host="unix://$place/sock" --iptables=false --bridge=none --storage-driver=overlay2 --exec-opt=native.cgroupdriver=cgroupfs \
	>"$place/log" 2>&1 &
export DOCKER_HOST="unix://$place/sock"
tries=0
until docker version >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ $tries -lt 300 ] || { cat "$place/log" >&2; exit 1; }
	sleep 0.1
done
