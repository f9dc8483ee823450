// RedisServer
