using System.Collections.Immutable;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>seccomp.img: all filters; must be there even where there are none.</summary>
internal static class SeccompImages
{
    // CRIU knows its own flag only: SECCOMP_FILTER_FLAG_TSYNC, which is always set, and LOG.
    private const uint FlagTsync = 1;
    private const uint FlagLog = 2;

    public static void Build(ImageSetWriter images, Container container) => images.Add(CriuImageKinds.Seccomp, new Proto.SeccompEntry
    {
        SeccompFilters = { container.SeccompFilters.Select(Build) },
    });

    public static ImmutableArray<SeccompFilter> Parse(ImageSetView images)
    {
        string name = CriuImageKinds.Seccomp.FileName();
        if (!images.Set.Images.ContainsKey(name))
            return [];
        var entry = images.Single<Proto.SeccompEntry>(CriuImageKinds.Seccomp);
        return
        [
            .. entry.SeccompFilters.Select((filter, index) => !filter.HasPrev || filter.Prev < index
                ? new SeccompFilter(filter.Filter.Memory, filter.HasPrev ? new SeccompFilterId(filter.Prev) : null, (filter.Flags & FlagLog) != 0)
                : throw new CriuImageException(name, $"filter {index} builds on {filter.Prev}, which comes after it")),
        ];
    }

    private static Proto.SeccompFilter Build(SeccompFilter filter)
    {
        var entry = new Proto.SeccompFilter
        {
            Filter = ProtoText.Of(filter.Program),
            Flags = filter.Log ? FlagTsync | FlagLog : FlagTsync,
        };
        if (filter.Previous is { } previous)
            entry.Prev = previous.Value;
        return entry;
    }
}
