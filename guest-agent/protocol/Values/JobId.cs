using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Protocol;

/// <summary>The name of a migration job. It becomes the name of a directory and of a cgroup in the guest, so its letters are few: [A-Za-z0-9._-], 1 to 64, the first a letter or a digit.</summary>
[JsonConverter(typeof(JobIdConverter))]
public readonly record struct JobId
{
    private readonly string? value;

    private JobId(string value) => this.value = value;

    /// <exception cref="FormatException">The name has other letters, or a length outside 1 to 64.</exception>
    public static JobId Parse(string text) =>
        TryParse(text, out JobId job) ? job : throw new FormatException($"'{Names.Quote(text)}' is no job name: 1 to 64 of [A-Za-z0-9._-], the first a letter or a digit.");

    public static bool TryParse([NotNullWhen(true)] string? text, out JobId job)
    {
        bool good = Names.IsPlain(text, 64);
        job = good ? new JobId(text!) : default;
        return good;
    }

    public override string ToString() => value ?? "";
}
