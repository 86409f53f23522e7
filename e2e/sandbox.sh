# Sourced by the scripts that start real servers for the tests. It keeps one small Debian root in the cache directory
# for programs that the machine's own release does not package. Nothing of it is installed on the machine itself, and
# the mounts that a program in it needs live in a mount namespace of that program, so that deleting the cache is safe.
#
# A caller sets $prog (its name in messages). Everything here needs root, as debootstrap and chroot do.

suite=forky # the first Debian release with postgresql-18-documentdb and llama.cpp
cache="${AIHUB_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/aihub-test}"
root="$cache/debian-$suite"

die() {
	echo "$prog: $*" >&2
	exit 1
}

say() { echo "$prog: $*" >&2; }

# locked NAME: holds the lock NAME until this shell ends; two runs at once take turns instead of tripping over each other.
locked() {
	mkdir -p "$cache"
	exec {lock_fd}>"$cache/$1.lock"
	flock --wait 900 "$lock_fd" || die "another run has held $cache/$1.lock for 15 minutes"
}

# logged NAME SECONDS COMMAND...: runs with a deadline; the output goes to a log that is shown only on failure.
logged() {
	local log="$cache/$1.log" limit=$2
	shift 2
	timeout --kill-after=10 "$limit" "$@" >"$log" 2>&1 </dev/null && return
	local code=$?
	tail -n 20 "$log" >&2
	((code != 124)) || die "no end after $limit s: $* (all of its output: $log)"
	die "failed with exit code $code: $* (all of its output: $log)"
}

# The archive this machine installs from: whatever its administrator chose, a local mirror for example.
debian_mirror() {
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		sed -n 's/^Debian|Debian|//p' | head -n 1
}

# in_root COMMAND...: a prefix for a command that shall run in the root, as "${in_root[@]}" COMMAND.
# shellcheck disable=SC2016,SC2034 # expanded by the inner shell; used by the callers
in_root=(unshare --mount --propagation private bash -c '
	root=$1
	shift
	mount --rbind /dev "$root/dev" && mount --rbind /proc "$root/proc" && exec chroot "$root" "$@"' in_root "$root")

# sandbox PACKAGE...: makes the root when there is none and installs the packages that are missing in it.
sandbox() {
	((EUID == 0)) || die "only root can make a Debian root (debootstrap, chroot)"
	command -v apt-get >/dev/null || die "this machine has no apt-get; only Debian machines can make a Debian root"
	(
		locked sandbox
		if [[ ! -e "$root/.complete" ]]; then
			if ! command -v debootstrap >/dev/null || [[ -z "$(debian_mirror)" ]]; then
				logged apt-update 300 apt-get update
				logged apt-install 300 apt-get install --yes --no-install-recommends debootstrap gpgv debian-archive-keyring
			fi
			local mirror
			mirror=$(debian_mirror)
			[[ -n "$mirror" ]] || die "apt's sources name no Debian archive, so there is no mirror to install from"
			say "making a Debian $suite root in $root (once; about a minute)"
			rm -rf --one-file-system "$root"
			# The script is named because an older debootstrap does not know this suite; the signature is checked either way.
			logged debootstrap 900 debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
				"$suite" "$root" "$mirror" /usr/share/debootstrap/scripts/sid
			# Services belong to the scripts that start them, not to the packages that are installed.
			printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
			chmod 755 "$root/usr/sbin/policy-rc.d"
			touch "$root/.complete"
		fi
		local missing=() package
		for package in "$@"; do
			[[ -e "$root/var/lib/dpkg/info/$package.list" || -e "$root/var/lib/dpkg/info/$package:amd64.list" ]] || missing+=("$package")
		done
		((${#missing[@]} == 0)) && return
		say "installing ${missing[*]} in $root (once; about a minute)"
		cp /etc/resolv.conf "$root/etc/resolv.conf"
		# A mirror frozen at an earlier day is as good for a test server; the signature is checked either way.
		logged apt-update 300 "${in_root[@]}" apt-get -o Acquire::Check-Valid-Until=false update
		logged apt-install 900 "${in_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"
		"${in_root[@]}" apt-get clean
	)
}

# alive FILE: the process whose id FILE holds is running, and is still the one that was started.
alive() {
	local pid started
	[[ -s "$1" ]] && read -r pid started <"$1" && [[ -n "$started" && "$(started_at "$pid")" == "$started" ]]
}

# A process id comes back after a while; with the start time it means one process for ever.
# One that has ended and waits to be collected has no start time.
started_at() { awk '$3 != "Z" { print $22 }' "/proc/$1/stat" 2>/dev/null; }

# daemon FILE LOG COMMAND...: starts in the background, detached from this terminal and its pipes; its id goes to FILE.
daemon() {
	local file=$1 log=$2
	shift 2
	setsid "$@" >"$log" 2>&1 </dev/null {lock_fd}>&- &
	local pid=$!
	echo "$pid $(started_at "$pid")" >"$file"
}

# stop FILE [SIGNAL]: ends the process of `daemon` and waits for it, at most ten seconds.
stop() {
	local file=$1 pid n
	if alive "$file"; then
		read -r pid _ <"$file"
		kill "-${2:-TERM}" "$pid" 2>/dev/null
		for ((n = 0; n < 100; n++)); do
			alive "$file" || break
			sleep 0.1
		done
		! alive "$file" || kill -KILL -- "-$pid" 2>/dev/null
	fi
	rm -f "$file"
}

# until_ready SECONDS FILE LOG COMMAND...: repeats COMMAND until it succeeds; gives up at the deadline or when the process ends.
until_ready() {
	local end=$((SECONDS + $1)) file=$2 log=$3
	shift 3
	until "$@" >/dev/null 2>&1; do
		if ! alive "$file"; then
			tail -n 20 "$log" >&2
			die "the server ended while starting (its output: $log)"
		fi
		((SECONDS < end)) || die "the server is not ready in time (its output: $log)"
		sleep 0.2
	done
}

# free_port FIRST: the first of 50 ports on loopback that nobody answers on.
free_port() {
	local port
	for ((port = $1; port < $1 + 50; port++)); do
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || {
			echo "$port"
			return
		}
	done
	die "no free port on loopback from $1 on"
}
