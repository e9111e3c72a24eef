using Microsoft.Extensions.Configuration;

namespace Watari.Clustering.Tests;

public sealed class ClusteringOptionsTests
{
    [Fact]
    public void one_machine_needs_no_configuration()
    {
        var options = ClusteringOptions.From(Configuration());

        Assert.Equal(ClusteringKind.Sqlite, options.Kind);
        Assert.Equal(Path.Combine(ClusteringOptions.DefaultStateDirectory, "cluster.db"), options.Database);
    }

    [Fact]
    public void redis_is_chosen_by_name_and_server()
    {
        var options = ClusteringOptions.From(Configuration(("Watari:Clustering", "redis"), ("Watari:ConnectionString", "10.0.0.5:6379,password=secret")));

        Assert.Equal(ClusteringKind.Redis, options.Kind);
        Assert.Equal("redis 10.0.0.5:6379", options.ToString());
    }

    [Theory]
    [InlineData("zookeeper", "it can be 'sqlite' or 'redis'")]
    [InlineData("7", "it can be 'sqlite' or 'redis'")]
    [InlineData("redis", "Watari:ConnectionString is not set")]
    public void what_cannot_work_is_refused_with_what_would(string kind, string says)
    {
        FormatException refusal = Assert.Throws<FormatException>(() => ClusteringOptions.From(Configuration(("Watari:Clustering", kind))));

        Assert.Contains(says, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("password=secret,10.0.0.5:6379")]
    [InlineData("10.0.0.5:6379,user=watari,password=secret,ssl=true")]
    public void a_password_is_never_told(string connection)
    {
        var options = ClusteringOptions.From(Configuration(("Watari:Clustering", "redis"), ("Watari:ConnectionString", connection)));

        Assert.Equal("redis 10.0.0.5:6379", options.ToString());
    }

    [Theory]
    [InlineData("10.0.0.5:6379,pasword=secret", "Keyword 'pasword' is not supported")]
    [InlineData("10.0.0.5:port", "names no server")]
    [InlineData("password=secret", "names no server")]
    public void a_connection_string_that_cannot_work_is_refused_without_its_password(string connection, string says)
    {
        FormatException refusal = Assert.Throws<FormatException>(
            () => ClusteringOptions.From(Configuration(("Watari:Clustering", "redis"), ("Watari:ConnectionString", connection))));

        Assert.Contains(says, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refusal.ToString(), StringComparison.Ordinal);
    }

    private static IConfiguration Configuration(params (string Key, string Value)[] pairs) =>
        new ConfigurationBuilder().AddInMemoryCollection(pairs.Select(p => KeyValuePair.Create(p.Key, (string?)p.Value))).Build();
}
