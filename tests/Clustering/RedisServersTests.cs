using Watari.Redis;

namespace Watari.Clustering.Tests;

public sealed class RedisServersTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_server_that_keeps_what_it_answers_gives_no_worries()
    {
        await using RedisServer server = await RedisServer.StartAsync("secret");

        Assert.Empty(await Options(server.ConnectionString).CheckAsync(Token));
    }

    [Theory]
    [InlineData("keeps no append-only file", "--appendonly", "no")]
    [InlineData("set 'appendfsync always' there", "--appendfsync", "everysec")]
    [InlineData("'maxmemory-policy allkeys-lru'", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")]
    public async Task a_server_that_may_forget_is_told_of_with_what_to_set(string says, params string[] settings)
    {
        await using RedisServer server = await RedisServer.StartAsync(settings: settings);

        Assert.Contains(says, Assert.Single(await Options(server.ConnectionString).CheckAsync(Token)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData(",password=wrong")]
    [InlineData(",user=nobody,password=secret")]
    public async Task who_does_not_know_the_password_is_told_so_and_no_password_is(string credentials)
    {
        await using RedisServer server = await RedisServer.StartAsync("secret");

        ClusterStoreException refusal = await Assert.ThrowsAsync<ClusterStoreException>(() => Options($"127.0.0.1:{server.Port}{credentials}").CheckAsync(Token));

        Assert.True(refusal.IsRefusal);
        Assert.Contains($"127.0.0.1:{server.Port} does not let us in", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("'password='", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_server_that_is_not_there_does_not_answer()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await server.KillAsync();

        ClusterStoreException silence = await Assert.ThrowsAsync<ClusterStoreException>(() => Options(server.ConnectionString).CheckAsync(Token));

        Assert.False(silence.IsRefusal);
        Assert.Contains($"127.0.0.1:{server.Port} does not answer", silence.Message, StringComparison.Ordinal);
    }

    private static ClusteringOptions Options(string connectionString) => new() { Kind = ClusteringKind.Redis, ConnectionString = connectionString };
}
