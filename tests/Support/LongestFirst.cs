using Conclave.Tests.Support;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(LongestFirst))]

namespace Conclave.Tests.Support;

/// <summary>
/// Tests that run the program take longest, so they begin first: or the last of them would run alone at the end.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    /// <inheritdoc/>
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(
        IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [
            .. testCollections.OrderByDescending(
                collection => collection.TestCollectionDisplayName.Contains(
                    typeof(Client.TranscriptTests).FullName!, StringComparison.Ordinal))
                .ThenByDescending(collection => collection.TestCollectionDisplayName.Contains(
                    typeof(Client.TranscriptTests).Namespace!, StringComparison.Ordinal)),
        ];
}
