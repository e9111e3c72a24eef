using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(Watari.SystemTests.SharedFirst))]

namespace Watari.SystemTests;

/// <summary>Collections whose classes share a fixture take longest, one test after the other: they come first, so that what is left at the end is short.</summary>
public sealed class SharedFirst : ITestCollectionOrderer
{
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(collection => collection is IXunitTestCollection { CollectionDefinition: not null } ? 0 : 1)];
}
