# Sidekiq: its jobs, and its client where this file is the program. protocol.py tells what is said between the two.
require "json"
require "sidekiq"

Sidekiq.logger.level = Logger::ERROR
BEST = ENV.fetch("PEER_DEPLOYMENT", "best") == "best"
REDIS = { url: "unix://#{ENV.fetch('PEER_REDIS')}" }
REDIS[:driver] = :hiredis if BEST
Sidekiq.configure_client { |config| config.redis = REDIS }
Sidekiq.configure_server { |config| config.redis = REDIS }

MARKS = File.open(ENV.fetch("PEER_MARKS"), "ab")
STAMPS = File.open(ENV.fetch("PEER_STAMPS"), "ab")

def now = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)

class Noop
  include Sidekiq::Worker
  def perform = MARKS.syswrite(".")
end

class Stamp
  include Sidekiq::Worker
  def perform = STAMPS.syswrite([now].pack("q"))
end

# Enqueues one job for a worker that has nothing to do, waits until it has begun, and says when it was sent.
def one(already)
  sleep(rand(0.005..0.015))
  sent = now
  Stamp.perform_async
  deadline = sent + 20_000_000_000
  until STAMPS.size >= 8 * (already + 1)
    raise "a job did not start within 20 s" if now > deadline
    sleep(0.000_2)
  end
  sent
end

def answer(command)
  n = command["n"]
  start = now
  case command["do"]
  when "hello" then return { version: "sidekiq #{Sidekiq::VERSION}", can: ["bulk"] }
  when "idle" then return { sent: (0...n).map { |i| one(i) } }
  when "single" then n.times { Noop.perform_async }
  when "bulk"
    (0...n).step(1_000) do |at|
      Sidekiq::Client.push_bulk("class" => Noop, "args" => [[]] * [1_000, n - at].min)
    end
  end
  { seconds: (now - start) / 1e9 }
end

if $PROGRAM_NAME == __FILE__
  $stdout.sync = true
  $stdin.each_line { |line| puts answer(JSON.parse(line)).to_json }
end
