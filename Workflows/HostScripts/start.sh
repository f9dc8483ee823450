#!/bin/sh
# start: runs current/run as a session of its own, and returns once it runs.
#
# Given: PORT and HOST (where to listen), DRAWBAR_DIRECTORY, DRAWBAR_VERSION, DRAWBAR_HOST, DRAWBAR_GROUP,
# DRAWBAR_APP, DRAWBAR_DEPLOYMENT. The app gets them too, and nothing else but PATH, HOME and the locale.
#
# The app holds the lock on app.lock for as long as any of its processes lives. So there is never more than one
# instance, and the number in app.pid can't belong to someone else while the lock is held.
set -eu
cd "$DRAWBAR_DIRECTORY"

# Keep the log small: one old one beside it.
if [ -f app.log ] && [ "$(wc -c <app.log)" -gt 10485760 ]; then mv -f app.log app.log.1; fi

rm -f app.pid
setsid sh -c '
  flock --nonblock 9 || { echo "another instance still runs here" >&2; exit 1; }
  echo $$ >app.pid.new && mv -f app.pid.new app.pid
  exec ./current/run
' start </dev/null 9>>app.lock >>app.log 2>&1 &

tries=100
until [ -s app.pid ]; do
  tries=$((tries - 1))
  if [ "$tries" -eq 0 ] || ! kill -0 "$!" 2>/dev/null; then
    echo "the app did not start; the end of its log:" >&2
    tail -n 5 app.log >&2
    exit 1
  fi
  sleep 0.05
done
echo "$DRAWBAR_VERSION runs as process $(cat app.pid)"
