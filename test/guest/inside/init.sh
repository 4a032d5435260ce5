#!/bin/sh
# Process 1 of the guest: the file systems that every Linux has, cgroup v2 as systemd would leave it, then the command that
# the kernel was started with (drydock=NAME: what the kernel does not know it gives to process 1), which is its hostname too.
export PATH=/usr/bin:/usr/sbin HOME=/root TERM=dumb DRYDOCK_PATIENCE=6
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t mqueue mqueue /dev/mqueue
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs -o mode=755 run /run
ln -s /proc/self/fd /dev/fd
echo "$drydock" > /etc/hostname
hostname -F /etc/hostname
ifconfig lo up
# The image was made by whoever runs the tests, so the files may be his.
for helper in newuidmap newgidmap; do
  [ -e "/usr/bin/$helper" ] && chown 0:0 "/usr/bin/$helper" && chmod 4755 "/usr/bin/$helper"
done
chown -R 1001:1001 /home/learner

mount -t cgroup2 cgroup2 /sys/fs/cgroup
# A cgroup that gives controllers to others holds no process itself.
mkdir /sys/fs/cgroup/init
echo 0 > /sys/fs/cgroup/init/cgroup.procs
echo '+cpuset +cpu +io +memory +pids' > /sys/fs/cgroup/cgroup.subtree_control
# What systemd calls delegation: a part of the tree is the user's, and his session is in a leaf of it.
mkdir /sys/fs/cgroup/learner /sys/fs/cgroup/learner/session
chown 1001:1001 /sys/fs/cgroup/learner /sys/fs/cgroup/learner/cgroup.procs /sys/fs/cgroup/learner/cgroup.subtree_control
chown -R 1001:1001 /sys/fs/cgroup/learner/session
echo '+cpuset +cpu +io +memory +pids' > /sys/fs/cgroup/learner/cgroup.subtree_control

for port in /sys/class/virtio-ports/*; do
  read -r name < "$port/name"
  ln -s "/dev/${port##*/}" "/dev/$name"
done
# Through a pipe: a virtio port is no file that programs know how to write.
sh "/etc/command.$drydock" 3>/dev/report 2>&1 | cat > /dev/output
echo end > /dev/report
poweroff -f
