# What a Docker daemon of its own answers about a container's files: PLACE/paths has a path a line, PLACE/puts an archive's number, a path and
# options a line. In new mount, pid and net namespaces, with which all of it ends.
# usage: docker-copies.sh PLACE LOWER-SCRIPT
set -eu
place=$1
lower_script=$2
mkdir -p "$place/volume" "$place/fixed"
. "$(dirname "$0")/docker-own.sh"
tar -C "$place/lower" -cf - . | docker import - base >/dev/null
docker create --name box -v "$place/volume:/vol" -v "$place/fixed:/rov:ro" base /none >/dev/null
ask() { curl --silent --unix-socket "$place/sock" --globoff "$@"; }
read_all() {
	number=0
	while read -r path; do
		number=$((number + 1))
		ask --output "$place/$1$number" --dump-header "$place/$1$number.head" "http://d/v1.41/containers/box/archive?path=$path"
	done <"$place/paths"
}
read_all before
while read -r archive path options; do
	ask --request PUT --header "Content-Type: application/x-tar" --data-binary "@$place/$archive.tar" --output "$place/put$archive" --write-out '%{http_code}' \
		"http://d/v1.41/containers/box/archive?path=$path&$options" >"$place/put$archive.code"
done <"$place/puts"
read_all after
