#!/bin/sh
# stop: asks the app to end (SIGTERM to all of its processes), waits, and kills it when the time is up.
#
# Given: DRAWBAR_DIRECTORY, and DRAWBAR_PATIENCE: the seconds it may take to end by itself.
# Succeeds at once where nothing runs. The lock on app.lock is free exactly then; see start.
set -eu
cd "$DRAWBAR_DIRECTORY"
exec 9>>app.lock

signal() {
  # A process that has just got the lock may not have written its number yet: then the next look finds it.
  if [ -s app.pid ]; then kill -s "$1" -- "-$(cat app.pid)" 2>/dev/null || true; fi
}

if flock --nonblock 9; then
  rm -f app.pid
  echo "nothing was running"
  exit 0
fi
tries=0
while [ "$tries" -lt "$((DRAWBAR_PATIENCE * 5))" ]; do
  # Once at first, and again where the first found no number.
  if [ "$tries" -eq 0 ] || [ "$tries" -eq 5 ]; then signal TERM; fi
  if flock --wait 0.2 9; then
    rm -f app.pid
    echo "ended by itself"
    exit 0
  fi
  tries=$((tries + 1))
done
signal KILL
if flock --wait 5 9; then
  rm -f app.pid
  echo "did not end within $DRAWBAR_PATIENCE s, and was killed"
  exit 0
fi
echo "can't be ended" >&2
exit 1
