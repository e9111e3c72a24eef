namespace Watari.SystemTests.Migration;

/// <summary>Whole migrations run one after the other and beside nothing else: each has two guests, two silos and a console to run.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Migrations : ICollectionFixture<SharedHosts>
{
    public const string Name = "migrations";
}
