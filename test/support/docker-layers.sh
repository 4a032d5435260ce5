# What a Docker daemon of its own makes of a container whose upper directory a script has changed. No container runs: its layers are
# mounted here as the daemon's runtime would. In new mount, pid and net namespaces, with which all of it ends.
# usage: docker-layers.sh PLACE LOWER-SCRIPT UPPER-SCRIPT
set -eu
place=$1
lower_script=$2
. "$(dirname "$0")/docker-own.sh"
tar -C "$place/lower" --xattrs '--xattrs-include=*' -cf - . | docker import - base >/dev/null
docker create --name box base /none >/dev/null
told() { docker inspect --format "{{.GraphDriver.Data.$1}}" box; }
merged=$place/merged
mkdir "$merged"
mount -t overlay -o "lowerdir=$(told LowerDir),upperdir=$(told UpperDir),workdir=$(told WorkDir)" overlay "$merged"
(cd "$merged" && umask 022 && sh -ec "$3")
umount "$merged"
told UpperDir >"$place/upper"
told LowerDir >"$place/lowers"
docker diff box >"$place/diff"
docker export box >"$place/export.tar"
docker commit box committed >/dev/null
docker save committed >"$place/save.tar"
