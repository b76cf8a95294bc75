-- finds: type public.mood: labels (sad, ok, happy)  →  (sad, ok, happy, ecstatic)
ALTER TYPE mood ADD VALUE 'ecstatic';
