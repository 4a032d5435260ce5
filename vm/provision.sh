#!/bin/bash
# What a machine of the exercise has beyond its distribution: Node, drydock, and the names of both machines. It starts nothing: that is the exercise.
# Run as root by Vagrant, as often as one likes. DRYDOCK_NAME, DRYDOCK_ADDRESS, DRYDOCK_HOSTS="ADDRESS NAME,…", DRYDOCK_OFFLINE.
set -euo pipefail

source=/drydock-source
user=vagrant
home=$(getent passwd "$user" | cut -d: -f6)
project=$home/drydock
oldest=20.17
# The line of Node's releases that is installed where there is none, or an old one.
line=latest-v22.x

say() { printf 'drydock: %s\n' "$*"; }

# --- packages ---------------------------------------------------------------------------------------------------------

# A compiler for the native part; nft for networks; what the exercise looks with.
packages=(git make gcc g++ libc6-dev python3 rsync ca-certificates curl xz-utils nftables iproute2 iputils-ping net-tools uidmap openssl)

install_packages() {
	local missing=()
	for name in "${packages[@]}"; do
		dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
	done
	[ "${#missing[@]}" -eq 0 ] && return
	say "installing ${missing[*]}"
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# --- Node -------------------------------------------------------------------------------------------------------------

node_is_new_enough() {
	command -v node >/dev/null || return 1
	local version
	version=$(node --version)
	[ "$(printf '%s\n' "$oldest" "${version#v}" | sort -V | head -n 1)" = "$oldest" ]
}

install_node() {
	local machine archive place=https://nodejs.org/dist/$line work
	case $(uname -m) in
	x86_64) machine=x64 ;;
	aarch64) machine=arm64 ;;
	*) say "there is no Node for $(uname -m)" && exit 1 ;;
	esac
	work=$(mktemp -d)
	curl -fsSL --retry 3 "$place/SHASUMS256.txt" -o "$work/SHASUMS256.txt"
	archive=$(grep -o "node-v[0-9.]*-linux-$machine.tar.xz" "$work/SHASUMS256.txt" | head -n 1)
	say "installing ${archive%.tar.xz}"
	curl -fsSL --retry 3 "$place/$archive" -o "$work/$archive"
	(cd "$work" && grep " $archive\$" SHASUMS256.txt | sha256sum --check --quiet)
	tar -xJf "$work/$archive" -C /usr/local --strip-components 1 --no-same-owner
	rm -r "$work"
}

# --- drydock ----------------------------------------------------------------------------------------------------------

copy_project() {
	# What was set up in here, and what the learner wrote, stays.
	local kept=(--exclude /workspace)
	[ -n "$DRYDOCK_OFFLINE" ] || kept+=(--exclude /node_modules --exclude /native/build --exclude /build)
	mkdir -p "$project"
	rsync -a --delete "${kept[@]}" "$source/" "$project/"
	chown -R "$user:$user" "$project"
	ln -sf "$project/scripts/drydock.cjs" /usr/local/bin/drydock
}

set_up_project() {
	# Like every first command it sets up what a fresh clone lacks, and bundles the command line; quick where the checkout came with all of that.
	sudo -u "$user" -H env CI=true "PATH=$PATH" "$project/scripts/drydock.cjs" --version
}

# --- names and addresses ----------------------------------------------------------------------------------------------

# Each machine's own name means the address by which the other one reaches it, and not the loopback.
name_hosts() {
	local rows
	rows=$(tr ',' '\n' <<<"$DRYDOCK_HOSTS")
	sed -i -E '/^127\.0\.[12]\.1[[:space:]]/d; /# drydock$/d' /etc/hosts
	sed 's/$/ # drydock/' <<<"$rows" >>/etc/hosts
}

# Where the provider makes no private network (QEMU), the second interface is there and has no address yet.
address_interface() {
	ip -o -4 address | grep -q " $DRYDOCK_ADDRESS/" && return
	local interface
	interface=$(ip -o link | grep -i " link/ether 52:54:00:7a:00:" | sed -E 's/^[0-9]+: ([^:@]+)[:@].*/\1/' | head -n 1)
	if [ -z "$interface" ]; then
		say "no interface has the address $DRYDOCK_ADDRESS, and none is there for it"
		exit 1
	fi
	cat >/etc/systemd/network/05-drydock.network <<-EOF
		[Match]
		MACAddress=$(cat "/sys/class/net/$interface/address")
		[Network]
		Address=$DRYDOCK_ADDRESS/24
		LinkLocalAddressing=no
	EOF
	systemctl enable -q --now systemd-networkd
	networkctl reload
	networkctl up "$interface"
}

if [ -z "$DRYDOCK_OFFLINE" ]; then install_packages; fi
if ! node_is_new_enough; then
	[ -z "$DRYDOCK_OFFLINE" ] || { say "this box has no Node $oldest or newer, and nothing is downloaded" && exit 1; }
	install_node
fi
copy_project
set_up_project
name_hosts
address_interface
say "$DRYDOCK_NAME is ready: $DRYDOCK_ADDRESS"
