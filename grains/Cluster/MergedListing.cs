using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Cluster;

/// <summary>What several VMs have, in one answer that a message has room for.</summary>
internal static class MergedListing
{
    /// <summary>Characters of one answer; see <see cref="Engine.MessageSize"/>.</summary>
    internal const long MaxCharacters = 24 << 20;

    /// <summary>All of it where there is room; else each VM has the same part, so that none takes another's, and it is told what is not shown.</summary>
    /// <param name="answers">By VM.</param>
    /// <param name="kind">What is listed: <c>containers</c>.</param>
    /// <param name="sizeOf">In characters.</param>
    /// <param name="shorten">What is shown of one where there is no room for all of it.</param>
    public static Listing<T> Of<T>(IReadOnlyList<(VmId Vm, Listing<T> Listed)> answers, string kind, Func<T, long> sizeOf, Func<T, T> shorten, long most = MaxCharacters)
    {
        if (answers.Sum(answer => answer.Listed.Items.Sum(sizeOf) + answer.Listed.Problems.Sum(problem => (long)problem.Length)) <= most)
            return new Listing<T>([.. answers.SelectMany(answer => answer.Listed.Items)], [.. answers.SelectMany(answer => answer.Listed.Problems)]);

        ImmutableArray<T>.Builder items = ImmutableArray.CreateBuilder<T>();
        ImmutableArray<string>.Builder problems = ImmutableArray.CreateBuilder<string>();
        foreach ((VmId vm, Listing<T> listed) in answers)
        {
            long whole = most / answers.Count / 2, left = whole; // the other half is for what is shortened
            int shortened = 0, without = 0;
            foreach (T item in listed.Items)
            {
                if (sizeOf(item) is var size && size <= whole)
                {
                    whole -= size;
                    items.Add(item);
                    continue;
                }

                T shorter = shorten(item);
                if (sizeOf(shorter) is var rest && rest <= left)
                {
                    left -= rest;
                    shortened++;
                    items.Add(shorter);
                    continue;
                }

                without++;
            }

            problems.AddRange(listed.Problems);
            if (shortened > 0) problems.Add($"{vm}: of {shortened} {kind} not all is shown: there are too many for one answer; ask for this VM alone");
            if (without > 0) problems.Add($"{vm}: {without} {kind} are not shown: there are too many for one answer; ask for this VM alone");
        }

        return new Listing<T>(items.DrainToImmutable(), problems.DrainToImmutable());
    }
}
