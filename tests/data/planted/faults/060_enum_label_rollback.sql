SELECT 'PostgreSQL cannot take an enum value away';
