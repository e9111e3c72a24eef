using System.Reflection;

namespace Watari.Benchmarks.SecondOpinion;

/// <summary>Where two readers of the same memory say different things of it.</summary>
internal static class Disagreement
{
    /// <returns>A line for each field that differs, and for each task or area that only one of them has. None: they agree.</returns>
    public static IEnumerable<string> Between(Account watari, Account drgn) =>
    [
        .. Between(watari.Tasks, drgn.Tasks, task => $"task {task.Pid}"),
        .. Between(watari.Areas, drgn.Areas, area => $"area 0x{area.VmStart:x} of mm 0x{area.Mm:x}"),
    ];

    private static IEnumerable<string> Between<T>(IEnumerable<T> watari, IEnumerable<T> drgn, Func<T, string> name)
    {
        ILookup<string, T> ours = watari.ToLookup(name);
        ILookup<string, T> theirs = drgn.ToLookup(name);
        foreach (string each in ours.Select(found => found.Key).Union(theirs.Select(found => found.Key)))
        {
            if (ours[each].Count() != 1 || theirs[each].Count() != 1)
            {
                yield return $"{each} is found {ours[each].Count()} times by Watari and {theirs[each].Count()} times by drgn";
                continue;
            }

            foreach (PropertyInfo field in typeof(T).GetProperties())
            {
                object? our = field.GetValue(ours[each].First());
                object? their = field.GetValue(theirs[each].First());
                if (!Equals(our, their)) yield return $"{each}: {field.Name} is {Text(our)} to Watari and {Text(their)} to drgn";
            }
        }
    }

    /// <summary>Addresses and flags are known by their digits in hexadecimal.</summary>
    private static string Text(object? value) => value is ulong or uint ? $"0x{value:x}" : $"'{value}'";
}
