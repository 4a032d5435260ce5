#!/bin/sh
# Scripts from outside, each a line in base64 on the channel "talk": run to its end, and answered by a line with its status, output and errors. The line
# "." ends that. A script that leaves something in the background gives it streams of its own.
exec 4<>/dev/talk
while read -r line <&4 && [ "$line" != . ]; do
  echo "$line" | base64 -d > /tmp/script
  status=0
  HOME=/root sh /tmp/script < /dev/null > /tmp/script.out 2> /tmp/script.err 4<&- || status=$?
  echo "$status $(base64 -w 0 /tmp/script.out) $(base64 -w 0 /tmp/script.err)" | cat >&4
done
rm -f /tmp/script /tmp/script.out /tmp/script.err
